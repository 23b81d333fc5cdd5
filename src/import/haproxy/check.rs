//! What a backend tests at its servers: `option httpchk`, `http-check`, `tcp-check` and their kin, as the table of
//! a probe.

use super::lines::ConfigLine;
use super::server::Server;

/// Statuses that pass where nothing is expected (the manual, "option httpchk").
const STATUS: &str = "200-399";

/// Every status: where a text is expected, none is looked at.
const ANY_STATUS: &str = "200-599";

/// What becomes of a pattern of an answer over HTTP.
const NO_PATTERN: &str = "patterns are not known here: a status from 200 to 399 passes";

/// What becomes of a step that cannot be had.
const NO_STEP: &str =
    "steps send a text or bytes, and expect some: that the port accepts connections is tested alone";

/// What becomes of a step with variables.
const NO_VARIABLES: &str =
    "nothing of the server is put into what is said: that the port accepts connections is tested alone";

/// Options that speak a protocol of their own.
const OTHERS: &[&str] =
    &["external-check", "ldap-check", "mysql-check", "pgsql-check", "redis-check", "smtpchk", "spop-check"];

/// What is tested.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Check {
    form: Form,
    /// By `http-check connect` and `tcp-check connect`.
    connects: Vec<Connect>,
    request: Request,
    expect: Expect,
    /// Some step of `tcp-check` cannot be had: then none is taken, as the others might never be answered.
    lacks_steps: bool,
}

/// How it is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Connection,
    /// `option tcp-check`: connections, and what is said on them.
    Steps,
    Handshake,
    Request,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Connect {
    port: Option<u16>,
    uses_tls: bool,
    /// Whether TLS is spoken where the line of the server says so.
    is_as_the_server: bool,
    sni: Option<String>,
    steps: Vec<Step>,
}

/// A step of `dialogue`: its word, and a text or bytes.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    word: &'static str,
    value: toml::Value,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Request {
    path: Option<String>,
    is_head: bool,
    host: Option<String>,
    headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Expect {
    #[default]
    Usual,
    Status(Vec<String>),
    Text(String),
}

/// What a line of a backend has to do with its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is taken over.
    Taken,
    /// It is taken over, but for this.
    But(&'static str),
    /// It cannot be had.
    Refused(&'static str),
    /// Nothing.
    Nothing,
}

/// The kind of a probe, and its table.
pub(super) struct Probe {
    pub(super) key: &'static str,
    pub(super) value: toml::Value,
    /// The ports that must accept connections, where that is all.
    pub(super) ports: Vec<u16>,
}

impl Check {
    /// Takes a line.
    pub(super) fn take(&mut self, line: &ConfigLine) -> Said {
        match (line.text(0), line.text(1)) {
            ("option", "httpchk") => self.httpchk(line),
            ("option", "tcp-check") => {
                self.form = Form::Steps;
                Said::Taken
            }
            ("option", "ssl-hello-chk") => {
                self.form = Form::Handshake;
                Said::But("the whole handshake must succeed, not its first message alone")
            }
            ("option", other) if OTHERS.contains(&other) => {
                self.form = Form::Connection;
                Said::Refused(
                    "its protocol is not spoken here: that the port accepts connections is tested alone",
                )
            }
            ("no", "option") if matches!(line.text(2), "httpchk" | "tcp-check" | "ssl-hello-chk") => {
                self.form = Form::Connection;
                Said::Taken
            }
            ("http-check", "send" | "expect") if self.connects.len() > 1 => Said::Refused(
                "one request is sent, on the first connection: of the others, that their ports accept them is tested alone",
            ),
            ("http-check", "send") => self.send(line),
            ("http-check", "expect") => self.expect(line),
            ("http-check" | "tcp-check", "connect") => self.connect(line),
            ("http-check" | "tcp-check", "comment") => Said::Taken,
            ("http-check", "disable-on-404") => {
                Said::But("404 does not pass: the address leaves, as new connections do there")
            }
            ("http-check", "send-state") => Said::But("no state is sent"),
            ("tcp-check", word) => {
                let said = self.step(word, line);
                self.lacks_steps |= matches!(said, Said::Refused(_));
                said
            }
            ("http-check", _) => Said::Refused("this is not known here: the first request alone is sent"),
            _ => Said::Nothing,
        }
    }

    /// `connect [port PORT] [ssl] [sni NAME] …`.
    fn connect(&mut self, line: &ConfigLine) -> Said {
        let is_said = |words: &[&str]| line.words.iter().any(|word| words.contains(&word.text.as_str()));
        let connect = Connect {
            port: line.behind("port").and_then(|word| word.text.parse().ok()),
            uses_tls: is_said(&["ssl"]),
            is_as_the_server: is_said(&["default"]),
            sni: line.behind("sni").map(|word| word.text.clone()),
            steps: Vec::new(),
        };
        let is_second_over_tls = connect.uses_tls && !self.connects.is_empty();
        self.connects.push(connect);
        if is_said(&["addr", "send-proxy", "via-socks4"]) {
            Said::Refused("each address is tested at itself, without a proxy's head")
        } else if is_second_over_tls {
            Said::Refused(
                "TLS is spoken on one connection: of this one that its port accepts it is tested alone",
            )
        } else {
            Said::Taken
        }
    }

    /// `tcp-check send DATA`, `tcp-check expect [!] string|binary|rstring …`, and their kin.
    fn step(&mut self, word: &str, line: &ConfigLine) -> Said {
        if self.connects.is_empty() {
            // In front of all others there is one to the port of the server.
            self.connects.push(Connect { is_as_the_server: true, ..Connect::default() });
        }
        let is_said_before = self.connects.iter().rev().skip(1).any(|connect| !connect.steps.is_empty());
        let Some(connect) = self.connects.last_mut() else { return Said::Nothing };
        if is_said_before {
            return Said::Refused(
                "one dialogue is held, on one connection: that the ports accept connections is tested alone; give the other a \
                 backend of its own with the same --name",
            );
        }
        match word {
            "send" | "send-lf" | "send-binary" | "send-binary-lf" => {
                if word.ends_with("-lf") && line.text(2).contains('%') {
                    return Said::Refused(NO_VARIABLES);
                }
                let value = match word.contains("binary") {
                    true => binary(line.text(2)),
                    false => text(line.text(2)),
                };
                match value {
                    Some(value) => {
                        connect.steps.push(Step { word: "send", value });
                        Said::Taken
                    }
                    None => Said::Refused(NO_STEP),
                }
            }
            "expect" => match expected(line) {
                Ok(step) => connect.expect(step),
                Err(why) => Said::Refused(why),
            },
            _ => Said::Refused(NO_STEP),
        }
    }

    /// `option httpchk [METHOD] [URI] [VERSION]`.
    fn httpchk(&mut self, line: &ConfigLine) -> Said {
        self.form = Form::Request;
        let (method, path) = match (line.text(2), line.text(3)) {
            ("", _) => ("OPTIONS", "/"),
            (path, "") => ("OPTIONS", path),
            (method, path) => (method, path),
        };
        self.request.path = Some(path.to_owned());
        // Headers hang on the version in old files: `HTTP/1.1\r\nHost:\ www`.
        for header in line.words.iter().skip(4).flat_map(|word| word.text.split("\r\n")).skip(1) {
            if let Some((name, value)) = header.split_once(':') {
                self.header(name.trim(), value.trim());
            }
        }
        self.method(method)
    }

    /// `http-check send [meth METHOD] [uri URI] [ver VERSION] [hdr NAME VALUE]… [body TEXT]`.
    fn send(&mut self, line: &ConfigLine) -> Said {
        let mut said = Said::Taken;
        let mut at = 2;
        while let Some(word) = line.words.get(at) {
            at += 2;
            let value = line.text(at - 1);
            match word.text.as_str() {
                "meth" => said = self.method(value),
                "uri" => self.request.path = Some(value.to_owned()),
                "hdr" => {
                    self.header(value, line.text(at));
                    at += 1;
                }
                "ver" | "comment" => {}
                _ => {
                    said = Said::Refused("requests have no body, and nothing of the server is put into them")
                }
            }
        }
        said
    }

    fn header(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("host") {
            self.request.host = Some(value.to_owned());
        } else if !name.eq_ignore_ascii_case("connection") {
            self.request.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn method(&mut self, method: &str) -> Said {
        self.request.is_head = method == "HEAD";
        match method {
            "GET" | "HEAD" => Said::Taken,
            _ => Said::But("it is GET that is sent"),
        }
    }

    /// `http-check expect [!] status|string|rstatus|rstring …`.
    fn expect(&mut self, line: &ConfigLine) -> Said {
        let at = place_of_match(line);
        match line.text(at) {
            "status" => {
                self.expect = Expect::Status(line.text(at + 1).split(',').map(str::to_owned).collect());
                Said::Taken
            }
            "string" => {
                self.expect = Expect::Text(line.text(at + 1).to_owned());
                Said::Taken
            }
            "rstring" => match literal(line.text(at + 1)) {
                Some(Literal { text, is_at_begin: false }) => {
                    self.expect = Expect::Text(text);
                    Said::Taken
                }
                _ => Said::Refused(NO_PATTERN),
            },
            "rstatus" => match statuses(line.text(at + 1)) {
                Some(list) => {
                    self.expect = Expect::Status(list);
                    Said::Taken
                }
                None => Said::Refused(NO_PATTERN),
            },
            _ => Said::Refused("this cannot be expected here: a status from 200 to 399 passes"),
        }
    }

    /// The probe of a server that is reached at `port`; none without a port.
    pub(super) fn probe(&self, server: &Server, port: Option<u16>) -> Option<Probe> {
        let port = server.check_port.or(port);
        // By itself TLS is spoken where the server is, not at another port (the manual, "check-ssl").
        let by_itself = server.uses_tls && server.check_port.is_none();
        let uses_tls = server.checks_by_tls.unwrap_or(by_itself);
        // Without its option no rule counts.
        let connects = match self.form {
            Form::Steps | Form::Request => self.connects.as_slice(),
            Form::Connection | Form::Handshake => &[],
        };
        let is_talking = |connect: &&Connect| !connect.steps.is_empty() && !self.lacks_steps;
        let talking = connects.iter().find(is_talking).filter(|_| self.form == Form::Steps);
        let usual = Connect { is_as_the_server: true, ..Connect::default() };
        let connect = talking.or(connects.first()).unwrap_or(&usual);
        let first = connect.port.or(port)?;
        let uses_tls =
            (uses_tls && connect.is_as_the_server) || connect.uses_tls || self.form == Form::Handshake;
        let mut table = toml::Table::new();
        table.insert("port".to_owned(), i64::from(first).into());
        if uses_tls {
            self.tls(server, connect, &mut table);
        }
        // Of connections that nothing is said on, their ports are tested.
        let ports_but = |chosen: Option<&Connect>| {
            let others = connects.iter().filter(|it| chosen.is_none_or(|chosen| !std::ptr::eq(*it, chosen)));
            let mut ports: Vec<u16> = Vec::new();
            for port in others.filter_map(|it| it.port.or(port)) {
                if !ports.contains(&port) && (chosen.is_none() || port != first) {
                    ports.push(port);
                }
            }
            ports
        };
        let probe = |key, table: toml::Table, ports| Probe { key, value: table.into(), ports };
        Some(match (self.form, talking) {
            (Form::Steps, Some(talking)) => {
                if uses_tls {
                    table.insert("tls".to_owned(), true.into());
                }
                let steps = talking.steps.iter().map(Step::written).collect();
                table.insert("steps".to_owned(), toml::Value::Array(steps));
                probe("dialogue", table, ports_but(Some(connect)))
            }
            (Form::Connection | Form::Steps, _) if !uses_tls => {
                let ports = ports_but(None);
                probe("tcp", toml::Table::new(), if ports.is_empty() { vec![first] } else { ports })
            }
            (Form::Connection | Form::Steps | Form::Handshake, _) => {
                probe("tls", table, ports_but(Some(connect)))
            }
            (Form::Request, _) => {
                self.request(&mut table);
                probe(if uses_tls { "https" } else { "http" }, table, ports_but(Some(connect)))
            }
        })
    }

    fn tls(&self, server: &Server, connect: &Connect, table: &mut toml::Table) {
        let is_verified = self.form != Form::Handshake && server.verify.as_deref() != Some("none");
        if !is_verified {
            table.insert("verify".to_owned(), false.into());
        }
        if let Some(ca) = server.ca.as_ref().filter(|_| is_verified) {
            table.insert("ca".to_owned(), ca.clone().into());
        }
        if let Some(name) = connect.sni.as_ref().or(server.check_sni.as_ref()) {
            table.insert("server-name".to_owned(), name.clone().into());
        }
        if let Some(protocols) = &server.check_alpn {
            let list = protocols.split(',').map(toml::Value::from).collect();
            table.insert("alpn".to_owned(), toml::Value::Array(list));
        }
    }

    fn request(&self, table: &mut toml::Table) {
        let Request { path, is_head, host, headers } = &self.request;
        if let Some(path) = path.as_ref().filter(|path| *path != "/") {
            table.insert("path".to_owned(), path.clone().into());
        }
        if *is_head {
            table.insert("method".to_owned(), "HEAD".into());
        }
        if let Some(host) = host {
            table.insert("host".to_owned(), host.clone().into());
        }
        if !headers.is_empty() {
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into()));
            table.insert("headers".to_owned(), toml::Table::from_iter(headers).into());
        }
        let status = match &self.expect {
            Expect::Usual => STATUS.into(),
            Expect::Text(text) => {
                table.insert("body".to_owned(), text.clone().into());
                ANY_STATUS.into()
            }
            Expect::Status(list) => {
                toml::Value::Array(list.iter().cloned().map(toml::Value::String).collect())
            }
        };
        table.insert("status".to_owned(), status);
    }
}

impl Connect {
    /// Takes what must come. HAProxy forgets what it was told when it sends, and looks for all that it expects until
    /// then in the same text.
    fn expect(&mut self, step: Step) -> Said {
        let is_first = self.steps.iter().all(|known| known.word == "send");
        let is_behind_another = self.steps.last().is_some_and(|known| known.word != "send");
        if step.word == "begins" && !is_first {
            return Said::Refused(
                "that a text begins so can be expected once, of the first: that the port accepts connections is tested alone",
            );
        }
        self.steps.push(step);
        match (is_first, is_behind_another) {
            (true, _) => Said::Taken,
            (false, true) => Said::But("it must come behind what is expected in front of it"),
            (false, false) => Said::But("what had come before something was sent counts as well"),
        }
    }
}

impl Step {
    fn written(&self) -> toml::Value {
        toml::Table::from_iter([(self.word.to_owned(), self.value.clone())]).into()
    }
}

/// A text as a step has it; none for one that is no UTF-8.
fn text(text: &str) -> Option<toml::Value> {
    (!text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER)).then(|| text.into())
}

/// Bytes as a step has them.
fn binary(digits: &str) -> Option<toml::Value> {
    let is_whole = digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let hex = || toml::Table::from_iter([("hex".to_owned(), digits.to_ascii_lowercase().into())]);
    (is_whole && !digits.is_empty()).then(|| hex().into())
}

/// What `tcp-check expect` wants; or why that cannot be had.
fn expected(line: &ConfigLine) -> Result<Step, &'static str> {
    let at = place_of_match(line);
    let pattern = line.text(at + 1);
    let (word, value) = match line.text(at) {
        "string-lf" | "binary-lf" if pattern.contains('%') => return Err(NO_VARIABLES),
        "string" | "string-lf" => ("expect", text(pattern)),
        "binary" | "binary-lf" => ("expect", binary(pattern)),
        "rstring" => match literal(pattern) {
            Some(Literal { text: literal, is_at_begin: true }) => ("begins", text(&literal)),
            Some(Literal { text: literal, is_at_begin: false }) => ("expect", text(&literal)),
            None => return Err(NO_STEP),
        },
        _ => return Err(NO_STEP),
    };
    value.map(|value| Step { word, value }).ok_or(NO_STEP)
}

/// Where an `expect` says what it matches: in front of it stands how it is logged, and how much must have come.
fn place_of_match(line: &ConfigLine) -> usize {
    let mut at = 2;
    while matches!(
        line.text(at),
        "min-recv"
            | "comment"
            | "ok-status"
            | "error-status"
            | "tout-status"
            | "on-success"
            | "on-error"
            | "status-code"
    ) {
        at += 2;
    }
    at
}

/// What a pattern means that is a text.
struct Literal {
    text: String,
    /// Whether the text must stand at the begin.
    is_at_begin: bool,
}

/// The text of a pattern that has no other part than perhaps a `^`.
fn literal(pattern: &str) -> Option<Literal> {
    let inside = pattern.strip_prefix('^');
    let (is_at_begin, inside) = (inside.is_some(), inside.unwrap_or(pattern));
    let mut text = String::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(match letters.next()? {
                'r' => '\r',
                'n' => '\n',
                't' => '\t',
                other if other.is_ascii_punctuation() => other,
                _ => return None,
            }),
            '.' | '*' | '+' | '?' | '[' | ']' | '(' | ')' | '{' | '}' | '|' | '^' | '$' => return None,
            other => text.push(other),
        }
    }
    Some(Literal { text, is_at_begin })
}

/// The statuses of a pattern in one of the forms that are written: `200`, `(200|204)`, `2[0-9][0-9]`, `^2`.
fn statuses(pattern: &str) -> Option<Vec<String>> {
    let inside = pattern.trim_start_matches('^').trim_end_matches('$');
    let inside = inside.strip_prefix('(').and_then(|it| it.strip_suffix(')')).unwrap_or(inside);
    let one = |text: &str| {
        let digit = text.chars().next().filter(|digit| ('2'..='5').contains(digit))?;
        let rest = text.get(1..)?;
        match rest {
            "" | ".." | ".*" | "[0-9][0-9]" | "\\d\\d" | "[0-9]{2}" | "\\d{2}" => {
                Some(format!("{digit}00-{digit}99"))
            }
            rest if rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(text.to_owned())
            }
            _ => None,
        }
    };
    inside.split('|').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_are_texts_are_read_as_such() {
        let read = |pattern| literal(pattern).map(|it| (it.text, it.is_at_begin));
        assert_eq!(read("^\\+PONG\\r"), Some(("+PONG\r".to_owned(), true)));
        assert_eq!(read("ok then"), Some(("ok then".to_owned(), false)));
        for pattern in ["a.b", "\\d", "a$", "(a)", "a\\"] {
            assert_eq!(read(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn patterns_of_statuses_are_read_in_the_forms_that_are_written() {
        let read = |pattern| statuses(pattern).map(|list| list.join(","));
        assert_eq!(read("200").as_deref(), Some("200"));
        assert_eq!(read("(200|204)").as_deref(), Some("200,204"));
        assert_eq!(read("^2[0-9][0-9]$").as_deref(), Some("200-299"));
        assert_eq!(read("(2|3)[0-9][0-9]"), None);
        assert_eq!(read("^1.."), None);
    }
}
