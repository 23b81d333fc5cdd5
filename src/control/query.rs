//! Query strings of requests: pairs of texts in `a=b&c=d`, both ways.

/// Writes pairs. Everything but letters, digits and `-._~` is escaped (RFC 3986, section 2.3).
pub(super) fn write(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    pairs.join("&")
}

fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let byte = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(byte).collect()
}

/// Reads pairs. None if an escape is invalid or not UTF-8, or a key has no value.
pub(super) fn read(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((unescaped(key)?, unescaped(value)?))
    };
    pairs.map(pair).collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let pairs = [("name", r"a\.b & c%.example.".to_owned()), ("from", "2001:db8::1".to_owned())];
        let text = write(&pairs);
        assert_eq!(text, r"name=a%5C.b%20%26%20c%25.example.&from=2001%3Adb8%3A%3A1");
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(read(&text).unwrap(), pairs);
    }

    #[test]
    fn what_is_no_query_string_is_not_read() {
        for text in ["name", "name=%", "name=%4", "name=%zz", "name=%+1", "name=%ff"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(""), Some(Vec::new()));
    }
}
