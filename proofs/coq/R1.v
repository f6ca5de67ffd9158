(* R1, for every T: the weighted rate is the weighted current less what is left in the membrane.

   u[t] = λ v[t-1] + I[t] and v[t] = u[t] - V_th s[t], from rest, with any spikes s: V_th Σ λ^(T-t) s[t] =
   Σ λ^(T-t) I[t] - v[T]. Divided by Λ_T that is V_th a[T] = x̄[T] - v[T] / Λ_T. *)

Require Import Ring Ring_theory.
From OTTT Require Import Traces.

Section R1.

Variable R : Type.
Variables zero one : R.
Variables add mul sub : R -> R -> R.
Variable opp : R -> R.
Variable ring : ring_theory zero one add mul sub opp (@eq R).
Add Ring ring : ring.

Infix "+" := add.
Infix "*" := mul.
Infix "-" := sub.
Let trace := trace R add mul.

Variables decay threshold : R.
Variables current spikes : nat -> R.

Fixpoint potential (t : nat) : R :=
  match t with
  | O => current O
  | S k => decay * (potential k - threshold * spikes k) + current (S k)
  end.

Definition post_reset_potential (t : nat) : R := potential t - threshold * spikes t.

Theorem R1 (t : nat) :
  threshold * trace decay spikes t = trace decay current t - post_reset_potential t.
Proof.
  unfold post_reset_potential. induction t as [|t IH]; simpl; [ring|].
  assert (unrolled : potential t = trace decay current t - threshold * trace decay spikes t + threshold * spikes t).
  { rewrite IH. ring. }
  unfold trace in *. rewrite unrolled. ring.
Qed.

End R1.

Print Assumptions R1.
