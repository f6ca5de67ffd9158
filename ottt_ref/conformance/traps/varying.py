"""What traps are made of: networks with other neurons, or with other operations."""

from ...network.operations import Chain


def with_neurons(change):
    """Network → Network whose spiking neurons are `change`d."""

    def apply(network):
        return network.mapped(neuron_of=lambda l, neuron: change(neuron) if neuron.spiking else neuron)

    return apply


def with_layers(change):
    """Network → Network whose neurons are change(layer, neuron)."""

    def apply(network):
        return network.mapped(neuron_of=change)

    return apply


def with_operations(change, where=lambda connection: True):
    """Network → Network whose operations, chains taken apart, are `change`d in the connections `where` it is so."""

    def changed(operation):
        if isinstance(operation, Chain):
            return Chain([changed(each) for each in operation.operations])
        return change(operation)

    def apply(network):
        return network.mapped(lambda c: changed(c.operations) if where(c) else c.operations)

    return apply
