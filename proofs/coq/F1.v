(* F1, for every T and every way to cut it into windows: OTTT's sum is, window by window, what the trace before brings in
   and the spikes of the window times the errors that leak back in it. *)

Require Import Ring Ring_theory List.
From OTTT Require Import Traces.
Import ListNotations.

Section F1.

Variable R : Type.
Variables zero one : R.
Variables add mul sub : R -> R -> R.
Variable opp : R -> R.
Variable ring : ring_theory zero one add mul sub opp (@eq R).
Add Ring ring : ring.

Notation "0" := zero.
Infix "+" := add.
Infix "*" := mul.
Let leaky := leaky R zero add mul.
Let backward := backward_sum R zero add mul.
Let forward := forward_sum R zero add mul.

(* The trace after n steps from k on, `before` at first. *)
Fixpoint trace_after (decay : R) (s : nat -> R) (before : R) (k n : nat) : R :=
  match n with
  | O => before
  | S m => trace_after decay s (decay * before + s k) (S k) m
  end.

(* Σ over the windows of λ h[first] â_before + Σ_t h[t] s[t]; `lengths` are those of the windows. *)
Fixpoint by_windows (decay : R) (g s : nat -> R) (before : R) (k : nat) (lengths : list nat) : R :=
  match lengths with
  | [] => 0
  | n :: others =>
      leaky decay g k n * (decay * before) + backward decay g s k n
      + by_windows decay g s (trace_after decay s before k n) (n + k) others
  end.

Fixpoint total (lengths : list nat) : nat :=
  match lengths with
  | [] => O
  | n :: others => (n + total others)%nat
  end.

Lemma forward_app (decay : R) (g s : nat -> R) (n m : nat) :
  forall before k,
    forward decay g s before k (n + m)
    = forward decay g s before k n + forward decay g s (trace_after decay s before k n) (n + k) m.
Proof.
  induction n as [|n IH]; intros before k; simpl; [unfold forward; ring|].
  unfold forward in *. simpl. rewrite IH. rewrite <- plus_n_Sm. ring.
Qed.

Theorem F1 (decay : R) (g s : nat -> R) (lengths : list nat) :
  forall before k, by_windows decay g s before k lengths = forward decay g s before k (total lengths).
Proof.
  induction lengths as [|n others IH]; intros before k; simpl; [reflexivity|].
  rewrite forward_app, IH. unfold forward, backward, leaky.
  rewrite (exchange R zero one add mul sub opp ring decay g s n). ring.
Qed.

(* From rest, for a whole sequence. *)
Theorem F1_ottt (decay : R) (g s : nat -> R) (lengths : list nat) :
  by_windows decay g s 0 O lengths
  = sum R zero add (fun t => g t * trace R add mul decay s t) (total lengths).
Proof. rewrite F1. unfold forward. apply (forward_sum_is_ottt R zero one add mul sub opp ring). Qed.

End F1.

Print Assumptions F1_ottt.
