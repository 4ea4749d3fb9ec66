"""Parts of `examples.backprop_q_memory` and `backprop_q_glimpses`."""
