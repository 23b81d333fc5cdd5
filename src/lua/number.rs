//! Numbers, as Lua writes them.

/// Reads a number as Lua does, in a program or in a string that stands for one: decimal with
/// fraction and exponent, or hexadecimal without; blanks around it and a minus sign are allowed.
/// None for everything else, and for what no finite number is near to.
pub fn number(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let (sign, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (-1.0, digits),
        None => (1.0, text),
    };
    let value = match digits.strip_prefix(b"0x").or_else(|| digits.strip_prefix(b"0X")) {
        Some(hexadecimal) => from_hexadecimal(hexadecimal)?,
        None => from_decimal(digits)?,
    };
    value.is_finite().then_some(sign * value)
}

fn from_hexadecimal(digits: &[u8]) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0.0, |value, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(value * 16.0 + f64::from(digit))
    })
}

fn from_decimal(digits: &[u8]) -> Option<f64> {
    // Rust reads more than Lua does: "inf", "nan", a plus sign in front.
    let legal = |&byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !digits.iter().all(legal) || matches!(digits.first(), None | Some(b'+' | b'-')) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
