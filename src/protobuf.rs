//! Protocol Buffers: fields of messages as bytes (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! Writes what short messages of others' protocols need, and reads numbers. Not responsible for any message.

/// How a field is written: its lowest three bits.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// Writes a field that is a number.
pub fn put_number(field: u32, number: u64, out: &mut Vec<u8>) {
    put_tag(field, VARINT, out);
    put_varint(number, out);
}

/// Writes a field that is a number of four bytes.
pub fn put_fixed_32(field: u32, number: u32, out: &mut Vec<u8>) {
    put_tag(field, FIXED_32, out);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Writes a field that is a text, bytes, or a message.
pub fn put_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(field, BYTES, out);
    // A length in memory has 64 bits at most.
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn put_tag(field: u32, form: u64, out: &mut Vec<u8>) {
    put_varint(u64::from(field) << 3 | form, out);
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// A number of base 128 at the front, at most ten bytes long, and what follows it.
pub fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        let shift = u32::try_from(7 * place).ok()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_encoding_guide_has_them() {
        let mut message = Vec::new();
        put_number(1, 150, &mut message);
        put_bytes(2, b"testing", &mut message);
        put_fixed_32(15, 1, &mut message);
        assert_eq!(message, b"\x08\x96\x01\x12\x07testing\x7d\x01\0\0\0");
    }

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for number in [0, 1, 127, 128, 200, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            bytes.push(7);
            assert_eq!(take_varint(&bytes), Some((number, &[7][..])));
        }
        for broken in [&[][..], &[0x80], &[0xff; 11]] {
            assert_eq!(take_varint(broken), None, "{broken:?}");
        }
    }
}
