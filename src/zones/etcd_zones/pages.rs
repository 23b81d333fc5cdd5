//! All keys of a zone, page by page.

use crate::etcd::{Client, Error, KeyValue, Mark};

/// Keys of one page. With values of some hundred bytes it has a megabyte.
const PAGE_KEYS: u64 = 5_000;

/// The fewest keys of a page: with values as large as etcd takes them, it still comes.
const PAGE_KEYS_MIN: u64 = 20;

/// All keys that begin with `prefix`, at one revision.
///
/// # Errors
///
/// When no member answers, or the store refuses.
pub(super) async fn read_all(client: &mut Client, prefix: &[u8]) -> Result<(Mark, Vec<KeyValue>), Error> {
    let (mut mark, mut all, mut limit): (Option<Mark>, Vec<KeyValue>, u64) = (None, Vec::new(), PAGE_KEYS);
    loop {
        let from = all.last().map(|last| [&*last.key, &[0]].concat());
        let revision = mark.map(|mark| mark.revision);
        let page = match client.range(prefix, from.as_deref(), limit, revision).await {
            // A page of large values may be more than is sent or taken at once.
            Err(Error::TooLong | Error::Refused(_)) if limit > PAGE_KEYS_MIN => {
                limit = (limit / 4).max(PAGE_KEYS_MIN);
                continue;
            }
            // Not to be taken for a watch that says too much, after which all is read.
            Err(Error::TooLong) => {
                return Err(Error::Refused("the values of a page are too long".to_owned()));
            }
            page => page?,
        };
        let mark = *mark.get_or_insert(page.mark);
        all.extend(page.keys);
        if !page.has_more {
            return Ok((mark, all));
        }
    }
}
