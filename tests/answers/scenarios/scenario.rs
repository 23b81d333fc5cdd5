//! Scenario files: what is served, what is asked, what must be answered.
//!
//! ```text
//! ; The story: what would be wrong, and the section of the RFC that says so.
//! --- zone example.                         zone text follows
//! --- zone example. for=::/0 allow=::1       the version of a zone for some clients, of whom some may ask
//! --- guard api *.apps tcp=6443             guards names of the zone above
//! --- no-version example.net.               a zone that answers SERVFAIL
//! --- server nsid=ns1 version=1 cookies     what the server says of itself
//! --- limit 10 all=40 slip=2 exempt=192.0.2.0/24   responses per second, network and kind over UDP
//! --- wait 500                              500 milliseconds pass
//! --- up 192.0.2.1:6443                     verdicts; also `down` and `pending`
//! --- ask www.example. A tcp edns=4096 do   the expected response follows, as `response` shows it
//! --- send 1234 0000 …                      likewise, for any bytes: see `query`
//! ```

/// A file, taken apart.
pub(crate) struct Scenario {
    pub(crate) steps: Vec<Step>,
}

/// A line that begins with `---`, and those below it.
pub(crate) struct Step {
    /// The line's number, from 1.
    pub(crate) line: usize,
    pub(crate) verb: Verb,
    /// The words behind the verb.
    pub(crate) words: Vec<String>,
    /// The lines below, up to the next step.
    pub(crate) body: Vec<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Zone,
    Guard,
    NoVersion,
    Server,
    Limit,
    Wait,
    Up,
    Down,
    Pending,
    Ask,
    Send,
}

impl Verb {
    const ALL: [(&str, Verb); 11] = [
        ("zone", Verb::Zone),
        ("guard", Verb::Guard),
        ("no-version", Verb::NoVersion),
        ("server", Verb::Server),
        ("limit", Verb::Limit),
        ("wait", Verb::Wait),
        ("up", Verb::Up),
        ("down", Verb::Down),
        ("pending", Verb::Pending),
        ("ask", Verb::Ask),
        ("send", Verb::Send),
    ];
}

impl Scenario {
    /// Takes a file apart.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.starts_with("; "), "a scenario begins with its story");
        let mut steps: Vec<Step> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(words) = line.strip_prefix("--- ") {
                let mut words = words.split_whitespace().map(String::from);
                let verb = words.next().unwrap_or_default();
                let known = Verb::ALL.iter().find(|(name, _)| *name == verb);
                let &(_, verb) = known.unwrap_or_else(|| panic!("line {}: unknown step {verb:?}", index + 1));
                steps.push(Step { line: index + 1, verb, words: words.collect(), body: Vec::new() });
            } else if let Some(step) = steps.last_mut() {
                step.body.push(line.to_string());
            }
        }
        assert!(steps.iter().any(|step| step.verb.asks()), "a scenario that asks nothing");
        Self { steps }
    }
}

impl Verb {
    /// Whether there is a response to be compared.
    pub(crate) fn asks(self) -> bool {
        matches!(self, Verb::Ask | Verb::Send)
    }
}

impl Step {
    /// The value of `key=value`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether a word stands there.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }

    /// The lines below without empty ones and comments, blanks collapsed.
    pub(crate) fn expected(&self) -> Vec<String> {
        let lines = self.body.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !(line.is_empty() || line.starts_with("; "))).collect()
    }
}
