"""What `examples.backprop_q` is made of."""
