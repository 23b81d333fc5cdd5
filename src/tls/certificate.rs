//! When a certificate is valid.
//!
//! Finds `notBefore` and `notAfter` in DER (RFC 5280, section 4.1), which the TLS library keeps to itself. Whether a
//! certificate is trusted is decided in the handshake, before anything is read here.

use std::time::{Duration, SystemTime};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] EXPLICIT`: the version, which certificates of version 1 leave out.
const VERSION: u8 = 0xa0;

const DAY_SECONDS: i64 = 86_400;

/// The last moment at which a certificate is valid; none if it cannot be read.
pub fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let [_, (tag, text)] = validity(certificate)?;
    read_time(tag, text)
}

/// The first moment at which a certificate is valid; none if it cannot be read.
pub(super) fn not_before(certificate: &[u8]) -> Option<SystemTime> {
    let [(tag, text), _] = validity(certificate)?;
    read_time(tag, text)
}

/// Both moments, as a tag and a text each.
fn validity(certificate: &[u8]) -> Option<[(u8, &[u8]); 2]> {
    let mut outer = Der(certificate);
    let mut whole = Der(outer.take(SEQUENCE)?);
    let mut body = Der(whole.take(SEQUENCE)?);
    // version, serialNumber, signature, issuer: what stands before the validity.
    let before = if body.tag()? == VERSION { 4 } else { 3 };
    for _ in 0..before {
        body.any()?;
    }
    let mut validity = Der(body.take(SEQUENCE)?);
    Some([validity.any()?, validity.any()?])
}

/// Whole days until `end`; negative once it is past.
pub fn days_until(end: SystemTime, now: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match end.duration_since(now) {
        Ok(left) => whole(left).div_euclid(DAY_SECONDS),
        Err(past) => whole(past.duration()).saturating_neg().div_euclid(DAY_SECONDS),
    }
}

/// The rest of a DER text.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, which must have this tag.
    fn take(&mut self, wanted: u8) -> Option<&'d [u8]> {
        self.any().and_then(|(tag, content)| (tag == wanted).then_some(content))
    }

    /// Tag and content of the next element.
    fn any(&mut self) -> Option<(u8, &'d [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // 0x80, without a length, is not DER; more than 4 GiB is no certificate.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the only forms RFC 5280, section 4.1.2.5, allows.
fn read_time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let digits = text.strip_suffix(b"Z")?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            let year = number(year)?;
            // Section 4.1.2.5.1: 50 to 99 are of the last century.
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at(4);
            (number(year)?, rest)
        }
        _ => return None,
    };
    let mut parts = rest.chunks(2).map(number);
    let mut part = |least: i64, most: i64| parts.next()?.filter(|part| (least..=most).contains(part));
    let (month, day) = (part(1, 12)?, part(1, 31)?);
    let (hour, minute, second) = (part(0, 23)?, part(0, 59)?, part(0, 60)?);
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    if seconds < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, year 0 to 9999.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end, and months of a regular pattern: 153 days in
    // each five.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    const TO_1970: i64 = 719_468;
    year * 365 + leap_days + day_of_year - TO_1970
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(time: SystemTime) -> i64 {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        }
    }

    fn certificate(year: i32, month: u8, day: u8) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(vec!["lab.example".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(1969, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(year, month, day);
        wanted.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_the_one_it_was_made_with() {
        for (year, month, day, expected) in [
            (1969, 12, 31, -86_400),
            (1970, 1, 1, 0),
            (2000, 2, 29, 951_782_400),
            (2000, 3, 1, 951_868_800),
            (2049, 12, 31, 2_524_521_600),
            // From 2050 on the other form is written.
            (2050, 1, 1, 2_524_608_000),
            (2100, 3, 1, 4_107_542_400),
        ] {
            let found = not_after(&certificate(year, month, day)).map(seconds);
            assert_eq!(found, Some(expected), "{year}-{month}-{day}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_off_has_no_end() {
        let whole = certificate(2030, 1, 1);
        for len in 0..whole.len() {
            assert_eq!(not_after(&whole[..len]), None);
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_no_end() {
        for text in [
            "991301000000Z",
            "990100000000Z",
            "990101240000Z",
            "9901010000Z",
            "990101000000",
            "9a0101000000Z",
        ] {
            assert_eq!(read_time(UTC_TIME, text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _ = not_after(&bytes);
        }

        #[test]
        fn a_damaged_certificate_does_not_break_the_reader(at in 0..200usize, byte: u8) {
            let mut certificate = certificate(2030, 1, 1);
            certificate[at] = byte;
            let _ = not_after(&certificate);
        }
    }
}
