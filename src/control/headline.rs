//! The headline: the state of the server in the one line of `systemctl status`.

use super::PoolStatus;

/// Longest headline, in bytes: three lines of a terminal. The worst stands in front.
pub const HEADLINE_BYTES_MAX: usize = 240;

/// Most pools that a headline has room for, with a blank, a comma and five more bytes for each.
pub const HEADLINE_POOLS_MAX: usize = HEADLINE_BYTES_MAX / 7;

/// What is wrong, and every pool with its members that are up: `2 pools: *.apps 2/3, api 3/3`. `pools` are the
/// [`HEADLINE_POOLS_MAX`] worst, and there are `others` besides. `apex` is what need not be said of the owners.
pub fn headline(troubles: &[String], pools: &[PoolStatus], others: usize, apex: Option<&str>) -> String {
    let mut line = match troubles {
        [] => String::new(),
        [only] => format!("{only}; "),
        [first, rest @ ..] => format!("{first}, and {} more; ", rest.len()),
    };
    // Troubles leave room for pools.
    cut(&mut line, HEADLINE_BYTES_MAX / 2);
    let mut shown: Vec<&PoolStatus> = pools.iter().collect();
    shown.sort_by_key(|pool| (!pool.is_all_down(), up(pool) == pool.members.len()));
    let all = shown.len() + others;
    line += &match all {
        0 => "no pools".to_owned(),
        1 => "1 pool: ".to_owned(),
        count => format!("{count} pools: "),
    };
    for (place, pool) in shown.iter().enumerate() {
        let word = word(pool, apex);
        let more = format!("and {} more", all - place);
        let between = if place == 0 { "" } else { ", " };
        if line.len() + between.len() + word.len() + ", ".len() + more.len() > HEADLINE_BYTES_MAX {
            line += between;
            line += &more;
            break;
        }
        line += between;
        line += &word;
    }
    // A line it must be, whatever a fault quotes.
    line.replace(char::is_control, " ")
}

/// `api AAAA 2/3`
fn word(pool: &PoolStatus, apex: Option<&str>) -> String {
    let below = apex.and_then(|apex| pool.owner.strip_suffix(apex)?.strip_suffix('.'));
    let owner = below.unwrap_or(&pool.owner);
    let rtype = if pool.rtype == "A" { String::new() } else { format!(" {}", pool.rtype) };
    let all_down = if pool.is_all_down() { " all down" } else { "" };
    format!("{owner}{rtype} {}/{}{all_down}", up(pool), pool.members.len())
}

fn up(pool: &PoolStatus) -> usize {
    pool.members.iter().filter(|member| member.verdict == "up").count()
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - "…; ".len()));
        text.push_str("…; ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::MemberStatus;

    fn pool(owner: &str, rtype: &str, verdicts: &[&str]) -> PoolStatus {
        let member = |verdict: &&str| MemberStatus { verdict: (*verdict).to_owned(), ..Default::default() };
        let standing = if verdicts.iter().all(|verdict| *verdict == "down") { "all-down" } else { "up" };
        PoolStatus {
            view: None,
            owner: owner.to_owned(),
            rtype: rtype.to_owned(),
            standing: standing.to_owned(),
            members: verdicts.iter().map(member).collect(),
            answering: Vec::new(),
            elsewhere: None,
        }
    }

    #[test]
    fn the_worst_pool_stands_first() {
        let pools = [
            pool("api.lab.example.", "A", &["up", "up"]),
            pool("lab.example.", "AAAA", &["up", "pending"]),
            pool("*.apps.lab.example.", "A", &["down", "down"]),
        ];
        assert_eq!(
            headline(&[], &pools, 0, Some("lab.example.")),
            "3 pools: *.apps 0/2 all down, lab.example. AAAA 1/2, api 2/2"
        );
        assert_eq!(headline(&[], &pools[..1], 0, None), "1 pool: api.lab.example. 2/2");
        assert_eq!(headline(&[], &[], 0, None), "no pools");
    }

    #[test]
    fn it_is_one_line_of_bounded_length_that_says_what_is_left_out() {
        let pools: Vec<PoolStatus> = (0..HEADLINE_POOLS_MAX)
            .map(|place| pool(&format!("pool-{place}.lab.example."), "A", &["up"]))
            .collect();
        let trouble = "zone ü.example. answers SERVFAIL:\n".repeat(50);
        let line = headline(&[trouble.clone(), trouble], &pools, 500 - pools.len(), Some("lab.example."));
        assert!(line.len() <= HEADLINE_BYTES_MAX && !line.contains('\n'), "{line}");
        assert!(line.starts_with("zone ü.example. answers SERVFAIL: "), "{line}");
        assert!(line.contains("…; 500 pools: pool-0 1/1, "), "{line}");
        let (_, left_out) = line.rsplit_once(", and ").unwrap();
        let shown = line.matches(" 1/1").count();
        assert_eq!(left_out, format!("{} more", 500 - shown));
    }
}
