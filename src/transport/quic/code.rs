//! Why a connection or a stream ends, as the other side is told (RFC 9250, section 4.3).

use quinn::VarInt;

/// Nothing is wrong.
pub(super) const NO_ERROR: VarInt = VarInt::from_u32(0);

/// The other side does not keep to the protocol.
pub(super) const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);

/// There is too much to do, for all clients or for this one.
pub(super) const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);

/// Anything else.
pub(super) const UNSPECIFIED_ERROR: VarInt = VarInt::from_u32(5);
