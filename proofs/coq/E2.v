(* E2, for every T and every number of layers: OTTT is BPTT with a backward leak in the weight's own layer alone, and SLTT
   is BPTT with none.

   Layers are counted from the top: layer 0 is the last one. error t i is the error at the spikes of its neuron i, psi m
   the surrogate derivatives of layer m, weight m k i the synapse from neuron i of layer m + 1 to neuron k of layer m,
   width m the number of neurons of layer m. leak m is the factor by which δ[t+1] reaches δ[t] in layer m. *)

Require Import Ring Ring_theory PeanoNat Lia.
From OTTT Require Import Traces.

Section E2.

Variable R : Type.
Variables zero one : R.
Variables add mul sub : R -> R -> R.
Variable opp : R -> R.
Variable ring : ring_theory zero one add mul sub opp (@eq R).
Add Ring ring : ring.

Notation "0" := zero.
Infix "+" := add.
Infix "*" := mul.
Let sum := sum R zero add.
Let trace := trace R add mul.
Let leaky := leaky R zero add mul.

Variable psi : nat -> nat -> nat -> R.
Variable weight : nat -> nat -> nat -> R.
Variable width : nat -> nat.
Variable error : nat -> nat -> R.

(* g[t]: the errors of one time step, with no time in them. *)
Fixpoint instantaneous (m t i : nat) : R :=
  psi m t i
  * match m with
    | O => error t i
    | S above => sum (fun k => weight above k i * instantaneous above t k) (width above)
    end.

(* δ[t] with n time steps left, t among them: δ = ψ ε + leak δ[t+1]. *)
Fixpoint leaking (leak : R) (source : nat -> nat -> R) (t n : nat) : R :=
  match n with
  | O => 0
  | S later => source t n + leak * leaking leak source (S t) later
  end.

Fixpoint delta (leak : nat -> R) (m i t n : nat) : R :=
  leaking (leak m)
    (fun t n =>
       psi m t i
       * match m with
         | O => error t i
         | S above => sum (fun k => weight above k i * delta leak above k t n) (width above)
         end)
    t n.

Lemma without_leak (source : nat -> nat -> R) (t n : nat) : leaking 0 source t (S n) = source t (S n).
Proof. simpl. ring. Qed.

Lemma delta_unfold (leak : nat -> R) (m i t n : nat) :
  delta leak m i t n
  = leaking (leak m)
      (fun t n =>
         psi m t i
         * match m with
           | O => error t i
           | S above => sum (fun k => weight above k i * delta leak above k t n) (width above)
           end)
      t n.
Proof. destruct m; reflexivity. Qed.

Lemma leaking_ext (leak : R) (f g : nat -> nat -> R) (n : nat) :
  (forall t n, f t (S n) = g t (S n)) -> forall t, leaking leak f t n = leaking leak g t n.
Proof. intros same. induction n as [|n IH]; intros t; simpl; [reflexivity|]. rewrite same, IH. reflexivity. Qed.

(* Where no layer from m up leaks back, δ is the instantaneous error. *)
Lemma no_leak_above (leak : nat -> R) (m : nat) :
  (forall j, (j <= m)%nat -> leak j = 0) ->
  forall i t n, delta leak m i t (S n) = instantaneous m t i.
Proof.
  induction m as [|m IH]; intros none i t n; rewrite delta_unfold, none by lia; rewrite without_leak.
  - reflexivity.
  - simpl instantaneous. f_equal. apply sum_ext. intros k _. rewrite IH; [reflexivity|]. intros j Hj. apply none. lia.
Qed.

Lemma leak_here_alone (leak : nat -> R) (decay : R) (m : nat) :
  (forall j, (j < m)%nat -> leak j = 0) -> leak m = decay ->
  forall i t n, delta leak m i t n = leaky decay (fun t => instantaneous m t i) t n.
Proof.
  intros none here i t n. unfold leaky.
  assert (same : forall n t,
    leaking decay (fun t _ => instantaneous m t i) t n
    = Traces.leaky R zero add mul decay (fun t => instantaneous m t i) t n).
  { clear t n. induction n as [|n IH]; intros t; simpl; [reflexivity|]. rewrite IH. reflexivity. }
  rewrite <- same, delta_unfold, here. apply leaking_ext. intros t' n'. destruct m as [|m].
  - reflexivity.
  - simpl instantaneous. f_equal. apply sum_ext. intros k _. rewrite no_leak_above; [reflexivity|].
    intros j Hj. apply none. lia.
Qed.

(* OTTT's gradient of a weight into neuron i of layer m, from spikes s, is BPTT's with the leak of layer m alone. *)
Theorem E2 (leak : nat -> R) (decay : R) (m i : nat) (s : nat -> R) (T : nat) :
  (forall j, (j < m)%nat -> leak j = 0) -> leak m = decay ->
  sum (fun t => delta leak m i t (T - t) * s t) T = sum (fun t => instantaneous m t i * trace decay s t) T.
Proof.
  intros none here. unfold sum, trace.
  rewrite <- (forward_sum_is_ottt R zero one add mul sub opp ring).
  rewrite (exchange R zero one add mul sub opp ring).
  rewrite (backward_sum_is_bptt R zero one add mul sub opp ring).
  transitivity (Traces.sum R zero add
    (fun t => Traces.leaky R zero add mul decay (fun t => instantaneous m t i) t (T - t) * s t) T).
  - apply sum_ext. intros t _. rewrite (leak_here_alone leak decay m none here). reflexivity.
  - ring.
Qed.

(* SLTT's is BPTT's with no leak at all. *)
Theorem SLTT (leak : nat -> R) (m i : nat) (s : nat -> R) (T : nat) :
  (forall j, (j <= m)%nat -> leak j = 0) ->
  sum (fun t => delta leak m i t (T - t) * s t) T = sum (fun t => instantaneous m t i * s t) T.
Proof.
  intros none. apply sum_ext. intros t Ht. replace (T - t)%nat with (S (T - S t)) by lia.
  rewrite (no_leak_above leak m none). reflexivity.
Qed.

End E2.

Print Assumptions E2.
Print Assumptions SLTT.
