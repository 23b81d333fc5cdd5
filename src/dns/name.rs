//! Domain names in uncompressed wire form, in the case they were written in.
//!
//! Reads, writes and compares names. Compressed names are read by `compression`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Longest name in wire form, in bytes, root label included (RFC 1035, section 3.1).
pub const NAME_BYTES_MAX: usize = 255;
/// Longest label, in bytes, length byte not included (RFC 1035, section 3.1).
pub const LABEL_BYTES_MAX: usize = 63;
/// Most labels in a name, the root label not counted.
pub const LABELS_MAX: usize = 127;

/// An absolute domain name that owns its bytes.
///
/// Comparing and hashing ignore the case of ASCII letters (RFC 4343); order is the canonical one (RFC 4034,
/// section 6.1). What was written is kept and shown.
#[derive(Clone)]
pub struct Name {
    wire: Box<[u8]>,
}

/// An absolute domain name in borrowed bytes.
///
/// The promise is [`Name`]'s: valid wire form, no pointers, root at the end.
#[derive(Clone, Copy)]
pub struct NameRef<'a> {
    wire: &'a [u8],
}

/// Why a text or some bytes are not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    Empty,
    /// Two dots in a row, or a dot at the start.
    EmptyLabel,
    /// A label longer than [`LABEL_BYTES_MAX`].
    LabelTooLong,
    /// Longer than [`NAME_BYTES_MAX`] with the origin.
    NameTooLong,
    /// A backslash that is followed by neither three digits up to 255 nor a character.
    BadEscape,
    /// Wire form that ends early, goes on behind the root, or holds a pointer.
    BadWire,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::Empty => "empty name",
            NameError::EmptyLabel => "empty label: a dot too many",
            NameError::LabelTooLong => "label longer than 63 bytes",
            NameError::NameTooLong => "name longer than 255 bytes",
            NameError::BadEscape => "bad escape: `\\` wants three digits up to 255, or one character",
            NameError::BadWire => "not a name in wire form",
        })
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// The root, `.`.
    pub fn root() -> Self {
        Self { wire: Box::new([0]) }
    }

    /// A name from uncompressed wire form, all of `wire`.
    ///
    /// # Errors
    ///
    /// [`NameError::BadWire`], or the limit that is exceeded.
    pub fn from_wire(wire: &[u8]) -> Result<Self, NameError> {
        let (name, rest) = NameRef::split_from(wire)?;
        if rest.is_empty() { Ok(name.to_name()) } else { Err(NameError::BadWire) }
    }

    /// Reads presentation format (RFC 1035, section 5.1): `@` is the origin, a name without a dot at its end
    /// is relative to it.
    ///
    /// # Errors
    ///
    /// Whatever the text breaks, see [`NameError`].
    pub fn parse(text: &[u8], origin: NameRef<'_>) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(text.len() + origin.wire.len() + 1);
        Self::parse_into(text, origin, &mut wire)?;
        Ok(Self { wire: wire.into_boxed_slice() })
    }

    /// As [`Name::parse`], but appends the wire form to `out`, which is left as it was on an error. Returns
    /// whether the text was relative.
    ///
    /// # Errors
    ///
    /// As [`Name::parse`].
    pub fn parse_into(text: &[u8], origin: NameRef<'_>, out: &mut Vec<u8>) -> Result<Written, NameError> {
        #[cfg(test)]
        steps::count();
        let start = out.len();
        let written = parse_labels(text, origin, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The name, borrowed.
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef { wire: &self.wire }
    }
}

/// Whether a name was written with its final dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Complete, with the final dot.
    Absolute,
    /// The origin was added (`@` included).
    Relative,
}

fn parse_labels(text: &[u8], origin: NameRef<'_>, out: &mut Vec<u8>) -> Result<Written, NameError> {
    let start = out.len();
    match text {
        b"" => return Err(NameError::Empty),
        b"." => {
            out.push(0);
            return Ok(Written::Absolute);
        }
        b"@" => {
            out.extend_from_slice(origin.wire);
            return Ok(Written::Relative);
        }
        _ => {}
    }
    let mut at = 0;
    loop {
        let length_at = out.len();
        out.push(0);
        let end = parse_label(text, at, out)?;
        let length = out.len() - length_at - 1;
        match length {
            0 => return Err(NameError::EmptyLabel),
            // The lowest byte says it all: it is 63 at most.
            1..=LABEL_BYTES_MAX => {
                let [low, ..] = length.to_le_bytes();
                if let Some(place) = out.get_mut(length_at) {
                    *place = low;
                }
            }
            _ => return Err(NameError::LabelTooLong),
        }
        let dot = text.get(end) == Some(&b'.');
        at = end + 1;
        if at >= text.len() {
            let written = if dot { Written::Absolute } else { Written::Relative };
            match written {
                Written::Absolute => out.push(0),
                Written::Relative => out.extend_from_slice(origin.wire),
            }
            let fits = out.len() - start <= NAME_BYTES_MAX;
            return if fits { Ok(written) } else { Err(NameError::NameTooLong) };
        }
    }
}

/// Appends the bytes of the label that begins at `at`; returns where it ends (at a dot or the end of the
/// text).
fn parse_label(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize, NameError> {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'.' => break,
            b'\\' => {
                let (value, width) =
                    text.get(at..).and_then(super::presentation::unescape).ok_or(NameError::BadEscape)?;
                out.push(value);
                at += width;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(at)
}

impl<'a> NameRef<'a> {
    /// The root, `.`.
    pub const ROOT: NameRef<'static> = NameRef { wire: &[0] };

    /// Splits an uncompressed name off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`NameError::BadWire`] when the bytes end early or hold a pointer, [`NameError::NameTooLong`] past
    /// [`NAME_BYTES_MAX`].
    pub fn split_from(bytes: &'a [u8]) -> Result<(NameRef<'a>, &'a [u8]), NameError> {
        let mut at = 0;
        loop {
            let length = usize::from(*bytes.get(at).ok_or(NameError::BadWire)?);
            if length > LABEL_BYTES_MAX {
                return Err(NameError::BadWire);
            }
            at += length + 1;
            if at > NAME_BYTES_MAX {
                return Err(NameError::NameTooLong);
            }
            if length == 0 {
                let wire = bytes.get(..at).ok_or(NameError::BadWire)?;
                return Ok((NameRef { wire }, bytes.get(at..).unwrap_or_default()));
            }
        }
    }

    /// A name that was split off before, and of which whoever kept it has all bytes: its labels are not walked once more. Other
    /// bytes make a name that is none.
    pub fn of_kept(wire: &'a [u8]) -> NameRef<'a> {
        debug_assert!(NameRef::split_from(wire).is_ok_and(|(_, rest)| rest.is_empty()), "a whole name");
        NameRef { wire }
    }

    /// The bytes, length bytes and root included.
    pub fn wire(self) -> &'a [u8] {
        self.wire
    }

    /// A copy that owns its bytes.
    pub fn to_name(self) -> Name {
        Name { wire: self.wire.into() }
    }

    /// The labels from left to right, the root not included.
    pub fn labels(self) -> Labels<'a> {
        Labels { rest: self.wire }
    }

    /// How many labels, the root not counted.
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// The name without its first label; none for the root.
    pub fn parent(self) -> Option<NameRef<'a>> {
        match self.wire.first().copied() {
            None | Some(0) => None,
            Some(length) => self.wire.get(usize::from(length) + 1..).map(|wire| NameRef { wire }),
        }
    }

    /// Whether this is the root.
    pub fn is_root(self) -> bool {
        self.wire == [0]
    }

    /// Whether the first label is `*` (RFC 4592, section 2.1.1).
    pub fn is_wildcard(self) -> bool {
        self.wire.starts_with(&[1, b'*'])
    }

    /// Whether this is `other` or below it.
    pub fn is_at_or_below(self, other: NameRef<'_>) -> bool {
        #[cfg(test)]
        steps::count();
        let mut name = self;
        loop {
            if name.wire.len() == other.wire.len() {
                return name == other;
            }
            match name.parent() {
                Some(parent) if name.wire.len() > other.wire.len() => name = parent,
                _ => return false,
            }
        }
    }

    /// Whether this is below `other`, not the same.
    pub fn is_below(self, other: NameRef<'_>) -> bool {
        #[cfg(test)]
        steps::count();
        self.wire.len() > other.wire.len() && self.is_at_or_below(other)
    }

    /// The bytes in lower case, for hashing and table keys.
    pub fn to_lowercase(self) -> Vec<u8> {
        // Length bytes are at most 63, so none of them is an upper-case letter.
        self.wire.to_ascii_lowercase()
    }
}

/// Iterator over labels, see [`NameRef::labels`].
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.rest.split_first()?;
        if length == 0 {
            return None;
        }
        let label = rest.get(..usize::from(length))?;
        self.rest = rest.get(usize::from(length)..)?;
        Some(label)
    }
}

impl FromStr for Name {
    type Err = NameError;
    /// Reads an absolute name; the final dot may be left out.
    fn from_str(text: &str) -> Result<Self, NameError> {
        Name::parse(text.as_bytes(), NameRef::ROOT)
    }
}

impl fmt::Display for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            super::presentation::write_label(label, f)?;
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for NameRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(test)]
        steps::count();
        self.wire.eq_ignore_ascii_case(other.wire)
    }
}
impl Eq for NameRef<'_> {}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // At once: a hasher that is asked byte by byte takes several times as long.
        let mut lower = [0; NAME_BYTES_MAX];
        if let Some(lower) = lower.get_mut(..self.wire.len()) {
            lower.copy_from_slice(self.wire);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}
impl Eq for Name {}
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}
impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How often this thread compared names or read one: tests count these steps, where a time would vary.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        STEPS.set(STEPS.get() + 1);
    }

    /// How many steps `work` takes.
    pub(crate) fn of(work: impl FnOnce()) -> u64 {
        let before = STEPS.get();
        work();
        STEPS.get() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn a_relative_name_takes_the_origin_and_an_absolute_one_does_not() {
        let origin = name("example.org");
        assert_eq!(Name::parse(b"www", origin.as_ref()).unwrap(), name("www.example.org."));
        assert_eq!(Name::parse(b"www.", origin.as_ref()).unwrap(), name("www."));
        assert_eq!(Name::parse(b"@", origin.as_ref()).unwrap(), origin);
    }

    #[test]
    fn escapes_are_read_and_written_back() {
        let dotted = name(r"a\.b.\065c.\000.example.");
        assert_eq!(dotted.as_ref().labels().next(), Some(&b"a.b"[..]));
        assert_eq!(dotted.to_string(), r"a\.b.Ac.\000.example.");
        assert_eq!(dotted.to_string().parse::<Name>().unwrap().as_ref().wire(), dotted.as_ref().wire());
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<Name>().unwrap_err();
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused("a..b"), NameError::EmptyLabel);
        assert_eq!(refused(".a"), NameError::EmptyLabel);
        assert_eq!(refused(&"a".repeat(64)), NameError::LabelTooLong);
        assert_eq!(refused(&"abcdefg.".repeat(32)), NameError::NameTooLong);
        assert_eq!(refused(r"a\25"), NameError::BadEscape);
        assert_eq!(refused(r"a\256"), NameError::BadEscape);
        assert!("a".repeat(63).parse::<Name>().is_ok());
    }

    #[test]
    fn wire_form_with_a_pointer_or_without_an_end_is_refused() {
        assert_eq!(Name::from_wire(&[0xc0, 12]).unwrap_err(), NameError::BadWire);
        assert_eq!(Name::from_wire(&[1, b'a']).unwrap_err(), NameError::BadWire);
        assert_eq!(Name::from_wire(&[0, 0]).unwrap_err(), NameError::BadWire);
    }

    #[test]
    fn names_compare_without_case_and_sort_canonically() {
        assert_eq!(name("API.Example."), name("api.example."));
        // The order of RFC 4034, section 6.1.
        let sorted =
            ["example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE", "z.example"];
        for pair in sorted.windows(2) {
            assert!(name(pair[0]) < name(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn below_means_whole_labels() {
        assert!(name("a.b.example").as_ref().is_below(name("B.example").as_ref()));
        assert!(!name("ab.example").as_ref().is_below(name("b.example").as_ref()));
        assert!(!name("b.example").as_ref().is_below(name("b.example").as_ref()));
        assert!(name("b.example").as_ref().is_at_or_below(Name::root().as_ref()));
    }
}
