//! Bytes in hexadecimal, base32hex and base64 (RFC 4648), over one word or several.
//!
//! How many bytes a field takes is known to its reader.

/// One way to write bytes as letters: each letter stands for `bits` bits.
pub(super) struct Encoding {
    /// What people call it.
    pub(super) name: &'static str,
    bits: u32,
    alphabet: &'static [u8],
    values: [u8; 256],
    padding: Padding,
}

/// Whether the last group of four letters is filled with `=`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    ToFour,
}

/// RFC 4648, section 8; any case is read, upper case is written.
pub(super) const HEX: Encoding = Encoding {
    name: "hexadecimal",
    bits: 4,
    alphabet: b"0123456789ABCDEF",
    values: values(b"0123456789ABCDEF", Case::Any),
    padding: Padding::None,
};

/// RFC 4648, section 7, without padding as in RFC 5155, section 3.3.
pub(super) const BASE32HEX: Encoding = Encoding {
    name: "base32hex",
    bits: 5,
    alphabet: b"0123456789ABCDEFGHIJKLMNOPQRSTUV",
    values: values(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", Case::Any),
    padding: Padding::None,
};

/// RFC 4648, section 4.
pub(super) const BASE64: Encoding = Encoding {
    name: "base64",
    bits: 6,
    alphabet: BASE64_ALPHABET,
    values: values(BASE64_ALPHABET, Case::AsWritten),
    padding: Padding::ToFour,
};

const BASE64_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Not a letter of the alphabet.
const NO_VALUE: u8 = 0xff;

#[derive(Clone, Copy)]
enum Case {
    Any,
    AsWritten,
}

#[expect(clippy::indexing_slicing, reason = "run by the compiler, which refuses what is out of bounds")]
const fn values(alphabet: &[u8], case: Case) -> [u8; 256] {
    let mut values = [NO_VALUE; 256];
    let mut value: u8 = 0;
    while (value as usize) < alphabet.len() {
        let letter = alphabet[value as usize];
        values[letter as usize] = value;
        if let Case::Any = case {
            values[letter.to_ascii_lowercase() as usize] = value;
        }
        value += 1;
    }
    values
}

/// Why some words are no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The word of this number holds a letter outside the alphabet, or one behind the padding.
    Letter { word: usize, letter: u8 },
    /// The letters end in the middle of a byte, or padding is missing.
    CutShort,
}

impl Encoding {
    /// Appends the bytes that the words together stand for.
    pub(super) fn decode<'w>(
        &self,
        words: impl Iterator<Item = &'w [u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (mut letters, mut padding) = (0usize, 0usize);
        let (mut held, mut held_bits) = (0u32, 0u32);
        for (word, text) in words.enumerate() {
            for &letter in text {
                // A table of 256 has a value for every byte.
                let value = self.values.get(usize::from(letter)).copied().unwrap_or(NO_VALUE);
                if letter == b'=' && self.padding == Padding::ToFour && padding < 2 {
                    padding += 1;
                    continue;
                }
                if value == NO_VALUE || padding > 0 {
                    return Err(Fault::Letter { word, letter });
                }
                letters += 1;
                held = held << self.bits | u32::from(value);
                held_bits += self.bits;
                if held_bits >= 8 {
                    held_bits -= 8;
                    let [.., byte] = (held >> held_bits).to_be_bytes();
                    out.push(byte);
                    held &= (1 << held_bits) - 1;
                }
            }
        }
        let filled = self.padding == Padding::None || (letters + padding).is_multiple_of(4);
        if held_bits < self.bits && held == 0 && filled { Ok(()) } else { Err(Fault::CutShort) }
    }

    /// Writes bytes as letters.
    pub(super) fn encode(&self, bytes: &[u8], out: &mut String) {
        let mask = (1 << self.bits) - 1;
        let (mut held, mut held_bits, mut letters) = (0u32, 0u32, 0usize);
        let mut put = |value: u32| {
            let letter = self.alphabet.get((value & mask) as usize).copied().unwrap_or(b'?');
            out.push(char::from(letter));
            letters += 1;
        };
        for &byte in bytes {
            held = (held << 8 | u32::from(byte)) & 0xffff;
            held_bits += 8;
            while held_bits >= self.bits {
                held_bits -= self.bits;
                put(held >> held_bits);
            }
        }
        if held_bits > 0 {
            put(held << (self.bits - held_bits));
        }
        if self.padding == Padding::ToFour {
            let missing = letters.next_multiple_of(4) - letters;
            out.extend(std::iter::repeat_n('=', missing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &Encoding, words: &[&str]) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        encoding.decode(words.iter().map(|word| word.as_bytes()), &mut out).map(|()| out)
    }

    #[test]
    fn the_vectors_of_rfc_4648_are_read_and_written() {
        let vectors = [
            ("", "", "", ""),
            ("f", "66", "CO", "Zg=="),
            ("fo", "666F", "CPNG", "Zm8="),
            ("foo", "666F6F", "CPNMU", "Zm9v"),
            ("foob", "666F6F62", "CPNMUOG", "Zm9vYg=="),
            ("fooba", "666F6F6261", "CPNMUOJ1", "Zm9vYmE="),
            ("foobar", "666F6F626172", "CPNMUOJ1E8", "Zm9vYmFy"),
        ];
        for (plain, hex, base32, base64) in vectors {
            for (encoding, text) in [(&HEX, hex), (&BASE32HEX, base32), (&BASE64, base64)] {
                let mut written = String::new();
                encoding.encode(plain.as_bytes(), &mut written);
                assert_eq!(written, text, "{}", encoding.name);
                assert_eq!(decoded(encoding, &[text]), Ok(plain.into()), "{}", encoding.name);
            }
        }
    }

    #[test]
    fn bytes_may_lie_across_words() {
        assert_eq!(decoded(&HEX, &["6", "66F", "6f"]), Ok(b"foo".into()));
        assert_eq!(decoded(&BASE64, &["Zm9", "vYg=", "="]), Ok(b"foob".into()));
    }

    #[test]
    fn letters_outside_and_early_ends_are_told_apart() {
        assert_eq!(decoded(&HEX, &["00", "0g"]), Err(Fault::Letter { word: 1, letter: b'g' }));
        assert_eq!(decoded(&HEX, &["000"]), Err(Fault::CutShort));
        assert_eq!(decoded(&BASE64, &["Zm8"]), Err(Fault::CutShort));
        assert_eq!(decoded(&BASE64, &["Zm9="]), Err(Fault::CutShort));
        assert_eq!(decoded(&BASE64, &["Z==="]), Err(Fault::Letter { word: 0, letter: b'=' }));
        assert_eq!(decoded(&BASE64, &["Zg==Zg=="]), Err(Fault::Letter { word: 0, letter: b'Z' }));
        assert_eq!(decoded(&BASE32HEX, &["C"]), Err(Fault::CutShort));
        assert_eq!(decoded(&BASE32HEX, &["CW"]), Err(Fault::Letter { word: 0, letter: b'W' }));
    }
}
