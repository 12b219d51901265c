import type { Delivery } from '../../db/models/delivery.ts';

/** The status of an outbound message, and of each of its recipients. docs/states.md describes the states and the events. */
export type State = Delivery['status'];

/** `uncertain`: an earlier attempt may have been accepted. */
export type Event =
  /** The time of a scheduled message comes, a worker claims the message, and its lease ends before the attempt. */
  | 'due'
  | 'claim'
  | 'worker_lost'
  | 'expired'
  | 'expired_uncertain'
  /** The assigned account is not configured any more. */
  | 'account_removed'
  | 'account_removed_uncertain'
  /** The outcome of the last attempt. `unresolvable`: neither a repeat nor a look-up can determine whether it was accepted. */
  | 'accepted'
  /** The provider accepted the message for some recipients only; the others wait for another attempt. */
  | 'partly_accepted'
  | 'rejected'
  | 'throttled'
  | 'unavailable'
  | 'unknown_resolvable'
  | 'unknown_unresolvable'
  /** The outcome of an earlier attempt, whose lease ended before. */
  | 'late_accepted'
  | 'late_other'
  /** A receipt names the delivery key, which proves that the provider accepted the message. */
  | 'echo'
  /** A receipt reports this status. `bounced`: `undelivered`, of an email. `other`: a word that changes nothing. */
  | 'receipt_sent'
  | 'receipt_delivered'
  | 'receipt_undelivered'
  | 'receipt_bounced'
  | 'receipt_failed'
  | 'receipt_other'
  /** A client cancels the message, or sends it again. */
  | 'cancel'
  | 'cancel_uncertain'
  | 'retry';

/**
 * The state after each event. An event that is impossible in a state, or that a state refuses, leaves the state unchanged.
 * `transition.ts` and `manual-actions.ts` follow this table; the SQL is tested against each cell.
 */
// biome-ignore format: one line for the events of one cause
export const TRANSITIONS: Record<State, Record<Event, State>> = {
  scheduled: {
    due: 'queued', claim: 'scheduled', worker_lost: 'scheduled', expired: 'scheduled', expired_uncertain: 'scheduled',
    account_removed: 'scheduled', account_removed_uncertain: 'scheduled',
    accepted: 'scheduled', partly_accepted: 'scheduled', rejected: 'scheduled', throttled: 'scheduled', unavailable: 'scheduled',
    unknown_resolvable: 'scheduled', unknown_unresolvable: 'scheduled',
    late_accepted: 'scheduled', late_other: 'scheduled', echo: 'scheduled',
    receipt_sent: 'scheduled', receipt_delivered: 'scheduled', receipt_undelivered: 'scheduled', receipt_bounced: 'scheduled',
    receipt_failed: 'scheduled', receipt_other: 'scheduled',
    cancel: 'canceled', cancel_uncertain: 'scheduled', retry: 'scheduled',
  },
  queued: {
    due: 'queued', claim: 'sending', worker_lost: 'queued', expired: 'failed', expired_uncertain: 'unknown',
    account_removed: 'queued', account_removed_uncertain: 'unknown',
    accepted: 'queued', partly_accepted: 'queued', rejected: 'queued', throttled: 'queued', unavailable: 'queued', unknown_resolvable: 'queued',
    unknown_unresolvable: 'queued',
    late_accepted: 'sent', late_other: 'queued', echo: 'sent',
    receipt_sent: 'queued', receipt_delivered: 'queued', receipt_undelivered: 'queued', receipt_bounced: 'queued',
    receipt_failed: 'queued', receipt_other: 'queued',
    cancel: 'canceled', cancel_uncertain: 'queued', retry: 'queued',
  },
  sending: {
    due: 'sending', claim: 'sending', worker_lost: 'sending', expired: 'sending', expired_uncertain: 'sending',
    account_removed: 'unknown', account_removed_uncertain: 'unknown',
    accepted: 'sent', partly_accepted: 'queued', rejected: 'failed', throttled: 'queued', unavailable: 'queued', unknown_resolvable: 'queued',
    unknown_unresolvable: 'unknown',
    late_accepted: 'sent', late_other: 'sending', echo: 'sent',
    receipt_sent: 'sending', receipt_delivered: 'sending', receipt_undelivered: 'sending', receipt_bounced: 'sending',
    receipt_failed: 'sending', receipt_other: 'sending',
    cancel: 'sending', cancel_uncertain: 'sending', retry: 'sending',
  },
  sent: {
    due: 'sent', claim: 'sent', worker_lost: 'sent', expired: 'sent', expired_uncertain: 'sent',
    account_removed: 'sent', account_removed_uncertain: 'sent',
    accepted: 'sent', partly_accepted: 'sent', rejected: 'sent', throttled: 'sent', unavailable: 'sent', unknown_resolvable: 'sent',
    unknown_unresolvable: 'sent',
    late_accepted: 'sent', late_other: 'sent', echo: 'sent',
    receipt_sent: 'sent', receipt_delivered: 'delivered', receipt_undelivered: 'undelivered', receipt_bounced: 'undelivered',
    receipt_failed: 'failed', receipt_other: 'sent',
    cancel: 'sent', cancel_uncertain: 'sent', retry: 'sent',
  },
  delivered: {
    due: 'delivered', claim: 'delivered', worker_lost: 'delivered', expired: 'delivered', expired_uncertain: 'delivered',
    account_removed: 'delivered', account_removed_uncertain: 'delivered',
    accepted: 'delivered', partly_accepted: 'delivered', rejected: 'delivered', throttled: 'delivered', unavailable: 'delivered',
    unknown_resolvable: 'delivered', unknown_unresolvable: 'delivered',
    late_accepted: 'delivered', late_other: 'delivered', echo: 'delivered',
    receipt_sent: 'delivered', receipt_delivered: 'delivered', receipt_undelivered: 'delivered', receipt_bounced: 'undelivered',
    receipt_failed: 'delivered', receipt_other: 'delivered',
    cancel: 'delivered', cancel_uncertain: 'delivered', retry: 'delivered',
  },
  undelivered: {
    due: 'undelivered', claim: 'undelivered', worker_lost: 'undelivered', expired: 'undelivered',
    expired_uncertain: 'undelivered',
    account_removed: 'undelivered', account_removed_uncertain: 'undelivered',
    accepted: 'undelivered', partly_accepted: 'undelivered', rejected: 'undelivered', throttled: 'undelivered', unavailable: 'undelivered',
    unknown_resolvable: 'undelivered', unknown_unresolvable: 'undelivered',
    late_accepted: 'undelivered', late_other: 'undelivered', echo: 'undelivered',
    receipt_sent: 'undelivered', receipt_delivered: 'undelivered', receipt_undelivered: 'undelivered',
    receipt_bounced: 'undelivered', receipt_failed: 'undelivered', receipt_other: 'undelivered',
    cancel: 'undelivered', cancel_uncertain: 'undelivered', retry: 'queued',
  },
  failed: {
    due: 'failed', claim: 'failed', worker_lost: 'failed', expired: 'failed', expired_uncertain: 'failed',
    account_removed: 'failed', account_removed_uncertain: 'failed',
    accepted: 'failed', partly_accepted: 'failed', rejected: 'failed', throttled: 'failed', unavailable: 'failed', unknown_resolvable: 'failed',
    unknown_unresolvable: 'failed',
    late_accepted: 'failed', late_other: 'failed', echo: 'failed',
    receipt_sent: 'failed', receipt_delivered: 'failed', receipt_undelivered: 'failed', receipt_bounced: 'failed',
    receipt_failed: 'failed', receipt_other: 'failed',
    cancel: 'failed', cancel_uncertain: 'failed', retry: 'queued',
  },
  canceled: {
    due: 'canceled', claim: 'canceled', worker_lost: 'canceled', expired: 'canceled', expired_uncertain: 'canceled',
    account_removed: 'canceled', account_removed_uncertain: 'canceled',
    accepted: 'canceled', partly_accepted: 'canceled', rejected: 'canceled', throttled: 'canceled', unavailable: 'canceled', unknown_resolvable: 'canceled',
    unknown_unresolvable: 'canceled',
    late_accepted: 'canceled', late_other: 'canceled', echo: 'canceled',
    receipt_sent: 'canceled', receipt_delivered: 'canceled', receipt_undelivered: 'canceled', receipt_bounced: 'canceled',
    receipt_failed: 'canceled', receipt_other: 'canceled',
    cancel: 'canceled', cancel_uncertain: 'canceled', retry: 'canceled',
  },
  unknown: {
    due: 'unknown', claim: 'unknown', worker_lost: 'unknown', expired: 'unknown', expired_uncertain: 'unknown',
    account_removed: 'unknown', account_removed_uncertain: 'unknown',
    accepted: 'sent', partly_accepted: 'unknown', rejected: 'unknown', throttled: 'unknown', unavailable: 'unknown', unknown_resolvable: 'unknown',
    unknown_unresolvable: 'unknown',
    late_accepted: 'sent', late_other: 'unknown', echo: 'sent',
    receipt_sent: 'unknown', receipt_delivered: 'unknown', receipt_undelivered: 'unknown', receipt_bounced: 'unknown',
    receipt_failed: 'unknown', receipt_other: 'unknown',
    cancel: 'unknown', cancel_uncertain: 'unknown', retry: 'queued',
  },
};
