"""What methods share: traces, errors through the layers of one time step, sums of gradients."""
