//! Room for RDATA that is made at a query. HOT.

use crate::dns::name::NAME_BYTES_MAX;

/// RDATA that is being made: an address or a name.
pub struct ComputedRdata {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl ComputedRdata {
    /// With nothing in it.
    pub fn new() -> Self {
        Self { bytes: [0; NAME_BYTES_MAX], length: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends bytes; none where there is no room.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length.checked_add(bytes.len())?;
        self.bytes.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    /// Writes over the byte at a place.
    pub(super) fn set(&mut self, at: usize, byte: u8) -> Option<()> {
        *self.bytes.get_mut(at)? = byte;
        Some(())
    }
}

impl Default for ComputedRdata {
    fn default() -> Self {
        Self::new()
    }
}
