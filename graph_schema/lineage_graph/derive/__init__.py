"""From facts to the graph: pure functions, one scope at a time.

A *scope* is the smallest set that is recomputed as a whole: a run, a dataset version, a job version, a job, a dataset
(with its alias component), a content-addressed node. Each scope's content replaces its former content, so late
statements retract as well as add. Which scopes a fact touches is the projection engine's business.
"""
