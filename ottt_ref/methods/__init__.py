"""How gradients are computed: one file per method; `shared` has what several of them need."""
