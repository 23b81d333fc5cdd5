//! What a backend tests at its servers: `option httpchk`, `http-check`, `tcp-check` and their kin, as the table of
//! a probe.

use super::lines::ConfigLine;
use super::server::Server;

/// Statuses that pass where nothing is expected (the manual, "option httpchk").
const STATUS: &str = "200-399";

/// Every status: where a text is expected, none is looked at.
const ANY_STATUS: &str = "200-599";

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
}

/// How it is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Connection,
    Handshake,
    Request,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Connect {
    port: Option<u16>,
    uses_tls: bool,
    sni: Option<String>,
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
                self.form = Form::Connection;
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
            ("http-check", "send") => self.send(line),
            ("http-check", "expect") => self.expect(line),
            ("http-check" | "tcp-check", "connect") => {
                self.connects.push(Connect {
                    port: line.behind("port").and_then(|word| word.text.parse().ok()),
                    uses_tls: line.words.iter().any(|word| word.text == "ssl"),
                    sni: line.behind("sni").map(|word| word.text.clone()),
                });
                match line
                    .words
                    .iter()
                    .any(|word| matches!(word.text.as_str(), "addr" | "send-proxy" | "via-socks4"))
                {
                    true => Said::Refused("each address is tested at itself, without a proxy's head"),
                    false => Said::Taken,
                }
            }
            ("http-check" | "tcp-check", "comment") => Said::Taken,
            ("http-check", "disable-on-404") => {
                Said::But("404 does not pass: the address leaves, as new connections do there")
            }
            ("http-check", "send-state") => Said::But("no state is sent"),
            ("http-check" | "tcp-check", _) => Said::Refused(
                "sequences of what is sent and expected are not known here: that the port accepts connections is tested \
                 alone, or the first request",
            ),
            _ => Said::Nothing,
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
        let mut at = 2;
        // What is in front of the match says how it is logged, and how much must have come.
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
        match line.text(at) {
            "status" => {
                self.expect = Expect::Status(line.text(at + 1).split(',').map(str::to_owned).collect());
                Said::Taken
            }
            "string" => {
                self.expect = Expect::Text(line.text(at + 1).to_owned());
                Said::Taken
            }
            "rstring" if is_literal(line.text(at + 1)) => {
                self.expect = Expect::Text(line.text(at + 1).to_owned());
                Said::Taken
            }
            "rstatus" => match statuses(line.text(at + 1)) {
                Some(list) => {
                    self.expect = Expect::Status(list);
                    Said::Taken
                }
                None => Said::Refused("patterns are not known here: a status from 200 to 399 passes"),
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
        let usual = Connect { port: None, uses_tls: false, sni: None };
        let connect = self.connects.first().unwrap_or(&usual);
        let first = connect.port.or(port)?;
        let uses_tls = uses_tls || connect.uses_tls || self.form == Form::Handshake;
        let mut table = toml::Table::new();
        table.insert("port".to_owned(), i64::from(first).into());
        if uses_tls {
            self.tls(server, connect, &mut table);
        }
        match (self.form, uses_tls) {
            (Form::Connection, false) => {
                let all = self.connects.iter().filter_map(|it| it.port.or(port)).collect::<Vec<u16>>();
                let ports = if all.is_empty() { vec![first] } else { all };
                Some(Probe { key: "tcp", value: toml::Value::Array(Vec::new()), ports })
            }
            (Form::Connection | Form::Handshake, _) => {
                Some(Probe { key: "tls", value: table.into(), ports: Vec::new() })
            }
            (Form::Request, is_https) => {
                self.request(&mut table);
                let key = if is_https { "https" } else { "http" };
                Some(Probe { key, value: table.into(), ports: Vec::new() })
            }
        }
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

/// Whether a pattern means itself.
fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['.', '*', '+', '?', '[', ']', '(', ')', '{', '}', '|', '^', '$', '\\'])
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
    fn patterns_of_statuses_are_read_in_the_forms_that_are_written() {
        let read = |pattern| statuses(pattern).map(|list| list.join(","));
        assert_eq!(read("200").as_deref(), Some("200"));
        assert_eq!(read("(200|204)").as_deref(), Some("200,204"));
        assert_eq!(read("^2[0-9][0-9]$").as_deref(), Some("200-299"));
        assert_eq!(read("(2|3)[0-9][0-9]"), None);
        assert_eq!(read("^1.."), None);
    }
}
