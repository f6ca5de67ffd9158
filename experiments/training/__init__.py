"""Training as a config says: `ottt-ref train CONFIG.toml`.

keys         every key of a config: what it may be, and what it means
config       a config, read and checked whole
parts        what a config names: data, network, loss, optimiser, schedule
rules        what learns a batch, by each method's rule
trainer      one run, of one seed: batches, evaluations, checkpoints
checkpoints  the files that a run keeps, so that it can be stopped anywhere
dry_run      what a run would take, without its data
"""
