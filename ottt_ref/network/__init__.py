"""What a network is: neurons and surrogates, operations between them, layers, the network, models, initialisation."""
