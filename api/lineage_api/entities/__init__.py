"""Lists and items of runs, jobs, datasets, models, namespaces and actors."""
