"""The projector: the process that turns the journal into facts, attributes and the graph, for all projects."""
