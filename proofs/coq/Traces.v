(* Traces and leaky sums over any commutative ring.

   trace s t      â[t] = λ â[t-1] + s[t], from rest
   leaky g t n    δ[t] = g[t] + λ δ[t+1], 0 behind the n steps that are left from t on

   Both are sums of powers of λ, and both are linear. *)

Require Import Ring Ring_theory PeanoNat Lia.

Section Traces.

Variable R : Type.
Variables zero one : R.
Variables add mul sub : R -> R -> R.
Variable opp : R -> R.
Variable ring : ring_theory zero one add mul sub opp (@eq R).
Add Ring ring : ring.

Notation "0" := zero.
Notation "1" := one.
Infix "+" := add.
Infix "*" := mul.

Fixpoint sum (f : nat -> R) (n : nat) : R :=
  match n with
  | O => 0
  | S m => sum f m + f m
  end.

Fixpoint power (x : R) (n : nat) : R :=
  match n with
  | O => 1
  | S m => x * power x m
  end.

Fixpoint trace (decay : R) (s : nat -> R) (t : nat) : R :=
  match t with
  | O => s O
  | S k => decay * trace decay s k + s (S k)
  end.

Fixpoint leaky (decay : R) (g : nat -> R) (t n : nat) : R :=
  match n with
  | O => 0
  | S m => g t + decay * leaky decay g (S t) m
  end.

Lemma sum_ext (f g : nat -> R) (n : nat) : (forall k, (k < n)%nat -> f k = g k) -> sum f n = sum g n.
Proof.
  induction n as [|n IH]; intros same; simpl; [reflexivity|].
  rewrite IH by (intros k Hk; apply same; lia). rewrite (same n) by lia. reflexivity.
Qed.

Lemma sum_scale (c : R) (f : nat -> R) (n : nat) : sum (fun k => c * f k) n = c * sum f n.
Proof. induction n as [|n IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_add (f g : nat -> R) (n : nat) : sum (fun k => f k + g k) n = sum f n + sum g n.
Proof. induction n as [|n IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_first (f : nat -> R) (n : nat) : sum f (S n) = f O + sum (fun k => f (S k)) n.
Proof.
  induction n as [|n IH]; [simpl; ring|].
  change (sum f (S (S n))) with (sum f (S n) + f (S n)). rewrite IH. simpl. ring.
Qed.

(* â[t] = Σ_{k <= t} λ^(t-k) s[k] *)
Theorem trace_is_a_weighted_sum (decay : R) (s : nat -> R) (t : nat) :
  trace decay s t = sum (fun k => power decay (t - k) * s k) (S t).
Proof.
  induction t as [|t IH]; [simpl; ring|].
  change (trace decay s (S t)) with (decay * trace decay s t + s (S t)). rewrite IH.
  change (sum (fun k => power decay (S t - k) * s k) (S (S t)))
    with (sum (fun k => power decay (S t - k) * s k) (S t) + power decay (S t - S t) * s (S t)).
  rewrite Nat.sub_diag. rewrite <- sum_scale.
  rewrite (sum_ext (fun k => power decay (S t - k) * s k) (fun k => decay * (power decay (t - k) * s k))).
  - simpl. ring.
  - intros k Hk. rewrite Nat.sub_succ_l by lia. simpl. ring.
Qed.

(* δ[t] = Σ_{k < n} λ^k g[t+k] *)
Theorem leaky_is_a_weighted_sum (decay : R) (g : nat -> R) (n : nat) :
  forall t, leaky decay g t n = sum (fun k => power decay k * g (t + k)%nat) n.
Proof.
  induction n as [|n IH]; intros t; [reflexivity|].
  rewrite sum_first. simpl leaky. rewrite IH. rewrite Nat.add_0_r. rewrite <- sum_scale.
  rewrite (sum_ext (fun k => power decay (S k) * g (t + S k)%nat) (fun k => decay * (power decay k * g (S t + k)%nat))).
  - simpl. ring.
  - intros k _. rewrite Nat.add_succ_r. simpl. ring.
Qed.

(* P1: the trace of a linear operation is the operation applied to the traces. *)
Theorem trace_of_a_linear_operation (decay : R) (weight : nat -> R) (s : nat -> nat -> R) (n t : nat) :
  trace decay (fun k => sum (fun j => weight j * s j k) n) t = sum (fun j => weight j * trace decay (s j) t) n.
Proof.
  induction t as [|t IH]; [reflexivity|].
  simpl trace. rewrite IH. rewrite <- sum_scale, <- sum_add. apply sum_ext. intros j _. ring.
Qed.

(* The bias's constant input 1 has the trace Λ_t = Σ_{k < t} λ^k. *)
Theorem trace_of_the_constant (decay : R) (t : nat) : trace decay (fun _ => 1) t = sum (power decay) (S t).
Proof.
  induction t as [|t IH]; [simpl; ring|].
  change (trace decay (fun _ => 1) (S t)) with (decay * trace decay (fun _ => 1) t + 1). rewrite IH.
  rewrite (sum_first (power decay) (S t)). simpl (power decay O).
  change (fun k => power decay (S k)) with (fun k => decay * power decay k). rewrite sum_scale. ring.
Qed.

(* Σ over n steps from k on of δ s, with δ leaking backwards to the last of them: BPTT in one layer. *)
Fixpoint backward_sum (decay : R) (g s : nat -> R) (k n : nat) : R :=
  match n with
  | O => 0
  | S m => leaky decay g k n * s k + backward_sum decay g s (S k) m
  end.

(* Σ over n steps from k on of g â, with the trace starting from `before`: OTTT in one layer. *)
Fixpoint forward_sum (decay : R) (g s : nat -> R) (before : R) (k n : nat) : R :=
  match n with
  | O => 0
  | S m => g k * (decay * before + s k) + forward_sum decay g s (decay * before + s k) (S k) m
  end.

(* The invariant: OTTT's sum from step k on is BPTT's, and what the trace before brings in: λ δ[k] â[k-1]. *)
Theorem exchange (decay : R) (g s : nat -> R) (n : nat) :
  forall before k,
    forward_sum decay g s before k n = backward_sum decay g s k n + leaky decay g k n * (decay * before).
Proof. induction n as [|n IH]; intros before k; simpl; [|rewrite IH]; ring. Qed.

(* forward_sum is what it says: Σ_t g[t] â[t] with the trace of the whole sequence. *)
Lemma forward_sum_from (decay : R) (g s : nat -> R) (n : nat) :
  forall k,
    forward_sum decay g s (trace decay s k) (S k) n
    = sum (fun t => g (S k + t)%nat * trace decay s (S k + t)) n.
Proof.
  induction n as [|n IH]; intros k; [reflexivity|].
  rewrite sum_first. rewrite Nat.add_0_r. simpl forward_sum.
  change (decay * trace decay s k + s (S k)) with (trace decay s (S k)). rewrite IH. f_equal.
  apply sum_ext. intros t _. rewrite Nat.add_succ_r. reflexivity.
Qed.

Theorem forward_sum_is_ottt (decay : R) (g s : nat -> R) (n : nat) :
  forward_sum decay g s 0 O n = sum (fun t => g t * trace decay s t) n.
Proof.
  destruct n as [|n]; [reflexivity|].
  rewrite sum_first. simpl forward_sum.
  replace (decay * 0 + s O) with (trace decay s O) by (simpl; ring).
  rewrite forward_sum_from. reflexivity.
Qed.

(* backward_sum is what it says: Σ_t δ[t] s[t] with δ leaking from the end of the sequence. *)
Lemma backward_sum_from (decay : R) (g s : nat -> R) (n : nat) :
  forall k,
    backward_sum decay g s k n = sum (fun t => leaky decay g (k + t) (n - t) * s (k + t)%nat) n.
Proof.
  induction n as [|n IH]; intros k; [reflexivity|].
  rewrite sum_first. rewrite Nat.add_0_r, Nat.sub_0_r.
  change (backward_sum decay g s k (S n))
    with (leaky decay g k (S n) * s k + backward_sum decay g s (S k) n).
  rewrite IH. f_equal. apply sum_ext. intros t _. rewrite Nat.add_succ_r. reflexivity.
Qed.

Theorem backward_sum_is_bptt (decay : R) (g s : nat -> R) (n : nat) :
  backward_sum decay g s O n = sum (fun t => leaky decay g t (n - t) * s t) n.
Proof. apply (backward_sum_from decay g s n O). Qed.

End Traces.

Print Assumptions trace_is_a_weighted_sum.
Print Assumptions leaky_is_a_weighted_sum.
Print Assumptions trace_of_a_linear_operation.
Print Assumptions trace_of_the_constant.
Print Assumptions exchange.
