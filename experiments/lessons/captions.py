"""What the lessons' pictures show: by the picture's name its title, and its caption with the sources."""

CIRCLES = "Circles are neurons, squares what comes in; numbers on arrows are weights. Time steps are written one after"
PAPER = "Xiao et al. 2022"

CAPTIONS = {
    "1-network": (
        "A neuron and its current",
        "A neuron, the circle, gets the current 3/4 in every time step, and answers with spikes. Sources: the formula "
        f"of this lesson; {PAPER}.",
    ),
    "1-potential": (
        "The potentials of two neurons over ten time steps",
        "With the current 3/4 (left) the potential reaches the threshold in every second step. There the neuron fires, "
        "and the threshold is taken off. With 3/10 (right) the potential rises to 0.6, and stays below the threshold. "
        f"Sources: the formula of this lesson; {PAPER}.",
    ),
    "1-rate": (
        "The weighted rate over the current",
        "The weighted rate of a neuron after 30 steps of a constant current. At λ = 1 it is nearly the current. At "
        f"λ = 1/2 it is 0 up to the current 1/2, and jumps from there on. Sources: claims R1 and R2; {PAPER}.",
    ),
    "2-network": (
        "A neuron with one weight",
        f"{CIRCLES} another: the input is 1 in both steps, the answer should be 0 in both. Sources: the formula of "
        f"lesson 1; {PAPER}.",
    ),
    "2-surrogate": (
        "A spike, the surrogate's slope, and the soft spike",
        "The spike jumps from 0 to 1 where the potential u reaches the threshold, and is flat elsewhere. The slope ψ "
        f"is a triangle there. The soft spike rises smoothly, with the slope ψ. Sources: claim E7; {PAPER}.",
    ),
    "3-network": (
        "Two neurons in a row",
        f"{CIRCLES} another: the inputs are 1, 1 and 1/2, the answer y should be 1 in each of three steps. Sources: "
        f"the formula of lesson 1; {PAPER}.",
    ),
    "3-path": (
        "The two neurons in three time steps, and one path",
        "Layer 1 is the first neuron, layer 2 the second. Time runs to the right. A path starts at an input, goes up, "
        "and ends at an error; where it goes to the right, it waits in a membrane. Thick: the path that waits once in "
        f"each neuron. Dashed: where others go. Sources: claim E2; {PAPER}.",
    ),
    "3-ottt": (
        "The paths that OTTT keeps",
        "Thick: OTTT's paths, which wait in layer 1 alone, and then go straight up. Dashed: where BPTT has more, in "
        f"the membrane of layer 2. Sources: claim E2; {PAPER}.",
    ),
    "4-network": (
        "Two synapses of one neuron",
        f"{CIRCLES} another: the cue comes in step 1, the question in step 2, where the neuron should fire. Sources: "
        f"the formula of lesson 1; {PAPER}.",
    ),
    "4-synapse": (
        "A synapse, and the three factors that come to it",
        "A synapse between the neurons j and i, and the three numbers that change its weight: the trace of neuron j, "
        f"the slope ψ of neuron i, and the error of i, which is sent to it. Sources: claim H1; {PAPER}.",
    ),
    "5-network": (
        "A neuron with one weight",
        f"{CIRCLES} another: the input is 1 in both steps, the answer y should be 0 in both. Sources: the formula of "
        f"lesson 1; {PAPER}.",
    ),
    "5-clamp": (
        "What spike representation takes a rate for",
        f"The mapping σ from z to a rate: 0 up to z = 0, then z itself, 1 from z = 1 on. Sources: claim R2; {PAPER}.",
    ),
    "5-entries": (
        "Two gradients of four weights",
        "The gradients of the four weights by OTTT and by SR: the two bars of a weight have one sign. Sources: claim "
        f"D0; {PAPER}.",
    ),
    "6-first": (
        "The first network",
        f"{CIRCLES} another: the input is 1 in step 1 alone, the answer should be 1 in both steps. Sources: the "
        f"formula of lesson 1; {PAPER}.",
    ),
    "6-second": (
        "The second network",
        f"{CIRCLES} another: the input is 1 in step 1 alone; A should fire in both steps, B in none. Sources: the "
        f"counterexample ottt-bptt-apart; {PAPER}.",
    ),
    "6-three": (
        "Three gradients of w¹ in three networks",
        "The gradient of w¹ by each method. In the first network OTTT has 0, in the second BPTT has the other sign, in "
        f"the third SR has. Sources: claims E2 and D1; {PAPER}.",
    ),
    "7-path": (
        "One path of two neurons in three time steps",
        "The path that waits two steps in layer 1, and goes straight up in step 3. Dashed: where other paths go. "
        f"Sources: claim E2; {PAPER}.",
    ),
}
