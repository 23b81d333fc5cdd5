//! Loop detection: names that only one upstream was asked for, which come back to us through a forwarding
//! loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::upstream::Upstream;
use crate::dns::{Name, NameRef};
use crate::sync::lock;
use crate::tls::Random;

/// Length of a token: 128 bits in hexadecimal digits.
const TOKEN_BYTES: usize = 32;

/// A label that cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LoopToken([u8; TOKEN_BYTES]);

/// The tokens in use, and the upstream that was asked for each.
#[derive(Default)]
pub(super) struct LoopTokens {
    out: Mutex<HashMap<LoopToken, Weak<Upstream>>>,
}

impl LoopToken {
    /// A new one.
    pub(super) fn new(random: &Random) -> Self {
        let number = u128::from(random.next()) << 64 | u128::from(random.next());
        let mut token = [b'0'; TOKEN_BYTES];
        for (place, digit) in token.iter_mut().zip(format!("{number:032x}").bytes()) {
            *place = digit;
        }
        Self(token)
    }

    /// The name `token` below another; none where that is too long.
    pub(super) fn below(&self, name: &Name) -> Option<Name> {
        let length = u8::try_from(TOKEN_BYTES).ok()?;
        Name::from_wire(&[&[length], &self.0[..], name.as_ref().wire()].concat()).ok()
    }
}

impl LoopTokens {
    /// The upstream through which a query of ours has come back.
    pub(super) fn owner(&self, qname: NameRef<'_>) -> Option<Arc<Upstream>> {
        let label = qname.labels().next().filter(|label| label.len() == TOKEN_BYTES)?;
        let mut token = [0; TOKEN_BYTES];
        for (to, from) in token.iter_mut().zip(label) {
            *to = from.to_ascii_lowercase();
        }
        self.out().get(&LoopToken(token))?.upgrade()
    }

    /// Notes that `upstream` is asked for a token.
    pub(super) fn insert(&self, token: LoopToken, upstream: &Arc<Upstream>) {
        self.out().insert(token, Arc::downgrade(upstream));
    }

    /// Forgets a token.
    pub(super) fn remove(&self, token: &LoopToken) {
        self.out().remove(token);
    }

    fn out(&self) -> MutexGuard<'_, HashMap<LoopToken, Weak<Upstream>>> {
        lock(&self.out)
    }
}
