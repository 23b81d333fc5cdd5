//! All keys that begin with something, page by page.

use std::time::Duration;

use tokio::time::timeout;

use super::client::Client;
use super::error::Error;
use super::wire::{KeyValue, Mark};
use crate::http_client;

/// Keys of one page. With values of some hundred bytes it has a megabyte.
const PAGE_KEYS: u64 = 5_000;

/// The fewest keys of a page: with values as large as etcd takes them, it still comes.
const PAGE_KEYS_MIN: u64 = 20;

/// Longest time that all pages take: a million keys come within half a minute.
const READ_MAX: Duration = Duration::from_secs(600);

/// What a key with its value costs besides its bytes.
const KEY_COST: usize = size_of::<KeyValue>();

/// All keys that begin with `prefix`, at one revision; keys and values take `bytes_max` at most, with what each costs
/// besides.
///
/// # Errors
///
/// When no member answers, the store refuses, or does not come to an end.
pub async fn read_all(
    client: &mut Client,
    prefix: &[u8],
    bytes_max: usize,
) -> Result<(Mark, Vec<KeyValue>), Error> {
    let read = timeout(READ_MAX, read_pages(client, prefix, bytes_max)).await;
    read.unwrap_or(Err(Error::Link(http_client::Error::TimedOut)))
}

async fn read_pages(
    client: &mut Client,
    prefix: &[u8],
    bytes_max: usize,
) -> Result<(Mark, Vec<KeyValue>), Error> {
    let (mut mark, mut all, mut limit): (Option<Mark>, Vec<KeyValue>, u64) = (None, Vec::new(), PAGE_KEYS);
    let mut bytes = 0_usize;
    loop {
        let from = all.last().map(|last| [&*last.key, &[0]].concat());
        let revision = mark.map(|mark| mark.revision);
        let page = match client.range(prefix, from.as_deref(), limit, revision).await {
            // A page of large values may be more than is sent or taken at once.
            Err(error)
                if limit > PAGE_KEYS_MIN && (error.is_too_long() || matches!(error, Error::Refused(_))) =>
            {
                limit = (limit / 4).max(PAGE_KEYS_MIN);
                continue;
            }
            // Not to be taken for a watch that says too much, after which all is read.
            Err(error) if error.is_too_long() => {
                return Err(Error::Refused("the values of a page are too long".to_owned()));
            }
            page => page?,
        };
        let mark = *mark.get_or_insert(page.mark);
        if page.keys.is_empty() && page.has_more {
            return Err(Error::Malformed("a page without keys that is not the last one".to_owned()));
        }
        bytes = bytes.saturating_add(take_page(&mut all, page.keys, prefix)?);
        if bytes > bytes_max {
            return Err(Error::Refused(format!("the keys take more than {bytes_max} bytes")));
        }
        if !page.has_more {
            return Ok((mark, all));
        }
    }
}

/// Takes in a page: keys of the range, each behind the one before. So whatever a store says comes to an end. Returns how many
/// bytes it takes.
fn take_page(all: &mut Vec<KeyValue>, page: Vec<KeyValue>, prefix: &[u8]) -> Result<usize, Error> {
    let mut bytes = 0_usize;
    for kv in page {
        if !kv.key.starts_with(prefix) || all.last().is_some_and(|last| last.key >= kv.key) {
            return Err(Error::Malformed("a key that was not asked for, or comes again".to_owned()));
        }
        bytes = bytes.saturating_add(kv.key.len()).saturating_add(kv.value.len()).saturating_add(KEY_COST);
        all.push(kv);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kv(key: &str) -> KeyValue {
        KeyValue { key: key.into(), value: Vec::new(), revision: 1, lease: None }
    }

    #[test]
    fn pages_go_on_behind_the_last_key_and_nowhere_else() {
        let mut all = Vec::new();
        let mut take =
            |keys: &[&str]| take_page(&mut all, keys.iter().map(|key| kv(key)).collect(), b"/z/").is_ok();
        assert!(take(&["/z/a", "/z/b"]) && take(&["/z/c"]));
        assert!(!take(&["/z/c"]), "again");
        assert!(!take(&["/z/a"]), "before");
        assert!(!take(&["/zz"]), "of another range");
        assert!(take(&[]) && take(&["/z/d"]));
        assert_eq!(all.len(), 4);
    }
}
