//! DNSSEC: key files, canonical form, signatures, the chain of NSEC or NSEC3 records, the steps of a key roll, and
//! those of a zone's way out.
//!
//! Makes the records that sign a zone: a pure function of its contents, its keys and a period, with the time passed in.
//! Signatures are ordinary records of the zone: whoever keeps and answers it does not ask where they come from. Not
//! responsible for when a zone is signed again, or for answers. Verifies the signatures of zones that come signed.
//!
//! ```text
//!   folder ─▶ key_text ─▶ Key { public, pair, timing } ─▶ ZoneKeys ── now ──▶ KeysInEffect ─┐
//!   clock, name of the node ─▶ Period ──────────────────────────────────────────────────────┤
//!   zone ─▶ authoritative RRsets, names in canonical order ─────────────────────────────────┼─▶ sign ─▶ records
//!                                            Shelf: signatures by digest, kept over versions ┘
//!   pools, what each may answer, its NSEC record while it is empty ─▶ PoolSigner ─▶ RDATA of RRSIG records
//! ```

mod time;
mod algorithm;
mod public_key;
mod pair;
mod timing;
mod key;
mod key_text;
mod foreign;
mod roll_step;
mod leaving;
mod folder;
mod zone_keys;
mod delegation;
mod canonical;
mod period;
mod shelf;
mod rrsig;
mod nsec;
mod nsec3_hash;
mod nsec3;
mod denial_kind;
mod sign;
mod pool_rules;
mod pool_signer;
mod chain;
mod resign;
mod verify;
mod roll_error;
mod algorithm_roll;
mod roll;

pub use algorithm::Algorithm;
pub use chain::Chain;
pub use delegation::{cdnskey, cds, ds};
pub use denial_kind::DenialKind;
pub use folder::{
    FolderError, KeyFile, KeyFolders, KeyTexts, WrittenKey, forget_leaving, key_texts, read_folder,
    read_leaving, write_key, write_leaving, write_timing,
};
pub use foreign::{ForeignKey, read_foreign};
pub use key::Key;
pub use key_text::KeyFault;
pub use leaving::{LeaveStep, Leaving, plan_leaving};
pub use nsec3_hash::{HASH_BYTES, HASH_LETTERS, Nsec3Hash, hash_in, label_of};
pub use pair::{Pair, PairError};
pub use period::{EXPIRES_AFTER, PERIOD, Period, SHIFT_MAX, Validity, shift};
pub use pool_rules::{check_pools, check_pools_of, may_answer_several};
pub use pool_signer::{PoolDenial, PoolSigner};
pub use public_key::{PublicKey, SEP, ZONE_KEY};
pub use resign::resign;
pub use roll::{Rolled, plan};
pub use roll_error::RollError;
pub use roll_step::{DatedKey, Parent, Retimed, RollStep, RollTimes, Successor, Waits};
pub use shelf::{KeptSignature, Shelf};
pub use sign::{SignError, Signing, sign};
pub use time::Time;
pub use timing::{Event, Timing};
pub use verify::{check_signatures, end_of, first_end};
pub use zone_keys::{ForParent, KeysInEffect, KeysUnusable, ZoneKeys};

#[cfg(test)]
mod tests;
