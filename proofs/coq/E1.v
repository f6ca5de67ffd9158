(* E1, for every T: in the last layer with a membrane OTTT's gradient is BPTT's (reset detached).

   One entry of the weight: g is the instantaneous error at the postsynaptic neuron, s the presynaptic spikes (for a bias
   the constant 1). Σ_t δ[t] s[t] = Σ_t g[t] â[t]. *)

Require Import Ring Ring_theory.
From OTTT Require Import Traces.

Section E1.

Variable R : Type.
Variables zero one : R.
Variables add mul sub : R -> R -> R.
Variable opp : R -> R.
Variable ring : ring_theory zero one add mul sub opp (@eq R).
Add Ring ring : ring.

Let sum := sum R zero add.
Let trace := trace R add mul.
Let leaky := leaky R zero add mul.

Theorem E1 (decay : R) (g s : nat -> R) (T : nat) :
  sum (fun t => mul (leaky decay g t (T - t)) (s t)) T = sum (fun t => mul (g t) (trace decay s t)) T.
Proof.
  unfold sum, trace, leaky.
  rewrite <- (backward_sum_is_bptt R zero one add mul sub opp ring).
  rewrite <- (forward_sum_is_ottt R zero one add mul sub opp ring).
  rewrite (exchange R zero one add mul sub opp ring). ring.
Qed.

End E1.

Print Assumptions E1.
