//! `dns`: a query is answered as wanted, over UDP, and over TCP where the answer is truncated.
//!
//! Asks without EDNS, so that servers of any age understand it. Whoever asks in earnest is `requestor`, which is made of
//! other rooms and learns what a server cannot; a probe asks the same again and again, and judges that alone.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use socket2::{Protocol, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::connect::{connect, socket_from};
use super::entry::{KindEntry, KindForm, Reach};
use super::outcome::{Failure, Phase, Reason, Trouble};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::{Written, read_port};
use crate::dns::message::{Extra, Header, Question, Rcode, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::{Name, NameRef, Rtype};
use crate::setting::{Absent, KeyEntry, Table, Value, keep};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::random_bytes;

const NAME: KeyEntry = KeyEntry::new(
    "name",
    Absent::Required { example: r#""ocp4.example.com""# },
    "name to ask for, from the root; the final dot may be left out",
);

const TYPE: KeyEntry = KeyEntry::new("type", Absent::Default(r#""SOA""#), "type of the records to ask for");

const RCODE: KeyEntry = KeyEntry::new(
    "rcode",
    Absent::Default(r#""NOERROR""#),
    "response code that passes, or a list: NOERROR is one with records, NODATA one without (RFC 2308)",
);

const AUTHORITATIVE: KeyEntry = KeyEntry::new(
    "authoritative",
    Absent::Default("false"),
    "whether the answer must come from authority (AA), as that of a name server of a zone; recursion is not asked for then",
);

const PORT: KeyEntry = KeyEntry::new("port", Absent::Default("53"), "the port");

/// Where name servers listen (RFC 1035, section 4.2).
const USUAL_PORT: u16 = 53;

/// Longest datagram that is read: more than 512 bytes nobody sends to whom has not said EDNS (RFC 1035, section 2.3.4).
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Datagrams that are no response to the query before it is given up: somebody forges them.
const MISMATCHED_MAX: u32 = 100;

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "dns",
    help: "a DNS query over UDP, or over TCP if truncated, is answered with a response code that is wanted",
    form: KindForm::Table { keys: &[&[NAME, TYPE, RCODE, AUTHORITATIVE, PORT]], short: None },
    reach: Reach::Network,
};

/// A query to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dns {
    /// The port.
    pub port: Port,
    /// What is asked for.
    pub question: DnsQuestion,
    /// Whether the answer must be one of authority.
    pub is_authoritative: bool,
}

/// What is asked for, and which answers pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsQuestion {
    /// The name.
    pub name: Name,
    /// The type.
    pub rtype: Rtype,
    /// What passes; never empty.
    pub passes: Vec<Answered>,
}

/// How a query is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answered {
    /// With records of the type, or an alias.
    Records,
    /// NODATA: the name is there, and has no such records (RFC 2308, section 2.2).
    NoData,
    /// With a referral: other servers know.
    Referral,
    /// With another response code than NOERROR.
    Code(Rcode),
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answered::Records => f.write_str("NOERROR"),
            Answered::NoData => f.write_str("NODATA"),
            Answered::Referral => f.write_str("with a referral"),
            Answered::Code(code) => code.fmt(f),
        }
    }
}

impl Dns {
    pub(super) fn port(&self) -> Port {
        self.port
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, question: DnsQuestion { name, rtype, .. }, .. } = self;
        write!(f, "dns://{}/{name}?{rtype}", SocketAddr::new(address, port.get()))
    }

    fn query(&self, id: u16) -> Vec<u8> {
        let flags = if self.is_authoritative { 0 } else { Header::RD };
        message_writer::owned(QUERY_BYTES_MAX, id, flags, |message| {
            message.question(self.question.name.as_ref(), self.question.rtype, class::IN);
        })
    }

    /// What an answer comes to.
    fn judge(&self, header: &Header, answered: Answered) -> Result<(), Reason> {
        self.question.judge_answered(answered)?;
        if self.is_authoritative && header.flags & Header::AA == 0 {
            return Err(Reason::DnsAnswer { said: format!("{answered} without authority").into() });
        }
        Ok(())
    }
}

impl DnsQuestion {
    /// The keys by which it is written.
    pub const KEYS: &[KeyEntry] = &[NAME, TYPE, RCODE];

    /// Reads them; none when a fault was pushed.
    pub fn read(table: &Table<'_>, found: &mut Diagnostics) -> Option<DnsQuestion> {
        let name = table.need(&NAME, found).and_then(|value| keep(value.name(NameRef::ROOT), found));
        let rtype = table.read(TYPE.name, found, read_type).unwrap_or(Rtype::SOA);
        let passes =
            table.get(RCODE.name).map_or(Some(vec![Answered::Records]), |value| read_codes(value, found));
        Some(DnsQuestion { name: name?, rtype, passes: passes? })
    }

    /// Whether a response to it passes.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn judge(&self, response: &[u8]) -> Result<(), Reason> {
        let broken = || Reason::BrokenDns { why: "a record that cannot be read" };
        let header = Header::read(response).ok_or_else(broken)?;
        let code = Rcode(header.flags & 0x0f);
        let answered = if code == Rcode::NOERROR {
            let (_, rest) = Question::read(response).ok_or_else(broken)?;
            look_into(&header, self.rtype, rest).ok_or_else(broken)?
        } else {
            Answered::Code(code)
        };
        self.judge_answered(answered)
    }

    fn judge_answered(&self, answered: Answered) -> Result<(), Reason> {
        let said = || Reason::DnsAnswer { said: answered.to_string().into() };
        if self.passes.contains(&answered) { Ok(()) } else { Err(said()) }
    }
}

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, _: &Path, found: &mut Diagnostics) -> Option<Arc<Dns>> {
    let table = written.table();
    let question = DnsQuestion::read(&table, found);
    let is_authoritative = table.read(AUTHORITATIVE.name, found, Value::truth).unwrap_or(false);
    let port = match table.get(PORT.name) {
        Some(value) => keep(read_port(value), found),
        None => Port::new(USUAL_PORT),
    };
    Some(Arc::new(Dns { port: port?, question: question?, is_authoritative }))
}

fn read_type(value: Value<'_>) -> Result<Rtype, Diagnostic> {
    let text = value.text()?;
    // A transfer is no single message, and OPT is no type that is asked for.
    let is_asked = |rtype: &Rtype| !rtype.is_meta() || *rtype == Rtype::ANY;
    Rtype::parse(text.as_bytes()).filter(is_asked).ok_or_else(|| {
        let fault = value.fault(format!("`{text}` is no type that can be asked for"));
        match Rtype::nearest(text) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
}

/// The codes that a server may answer a query with.
const CODES: &[(&str, Answered)] = &[
    ("NOERROR", Answered::Records),
    ("NODATA", Answered::NoData),
    ("NXDOMAIN", Answered::Code(Rcode::NXDOMAIN)),
    ("REFUSED", Answered::Code(Rcode::REFUSED)),
    ("SERVFAIL", Answered::Code(Rcode::SERVFAIL)),
    ("NOTIMP", Answered::Code(Rcode::NOTIMP)),
    ("FORMERR", Answered::Code(Rcode::FORMERR)),
];

fn read_codes(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Answered>> {
    let items = value.item_or_items();
    if items.is_empty() {
        found.push(value.fault("no answer passes").help("leave `rcode` out: NOERROR passes then"));
        return None;
    }
    items.into_iter().map(|item| keep(item.word(CODES), found)).collect()
}

/// The runs at one target; nothing is kept between them.
pub(super) struct DnsSession {
    test: Arc<Dns>,
}

impl DnsSession {
    pub(super) fn new(test: &Arc<Dns>) -> Self {
        Self { test: Arc::clone(test) }
    }

    /// Asks over UDP; none where the answer is truncated.
    async fn over_udp(&self, ends: Ends, query: &[u8]) -> Result<Option<(Header, Answered)>, Failure> {
        let socket = udp_socket(ends.to(self.test.port), ends.source)?;
        let broken = |error: io::Error| Failure::from(Reason::of(&error));
        socket.send(query).await.map_err(|error| Failure::of_connect(&error))?;
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        for _ in 0..MISMATCHED_MAX {
            let length = socket.recv(&mut datagram).await.map_err(broken)?;
            match read_response(query, datagram.get(..length).unwrap_or_default()) {
                // Whoever forges answers does not know what was asked.
                Read::Mismatch => {}
                Read::Truncated => return Ok(None),
                Read::Answer(header, answered) => return Ok(Some((header, answered))),
                Read::Malformed(why) => return Err(Reason::BrokenDns { why }.into()),
            }
        }
        Err(Reason::BrokenDns { why: "nothing but datagrams that are no response to the query" }.into())
    }

    async fn over_tcp(&self, ends: Ends, query: &[u8]) -> Result<(Header, Answered), Failure> {
        let mut stream = connect(ends.to(self.test.port), ends.source).await?;
        let broken = |error: io::Error| Failure::from(Reason::of_stream(&error, Phase::Response));
        // A query of ours has 512 bytes at most.
        let length = u16::try_from(query.len()).unwrap_or(0).to_be_bytes();
        stream.write_all(&[&length[..], query].concat()).await.map_err(broken)?;
        let mut message = vec![0; usize::from(stream.read_u16().await.map_err(broken)?)];
        stream.read_exact(&mut message).await.map_err(broken)?;
        match read_response(query, &message) {
            Read::Answer(header, answered) => Ok((header, answered)),
            Read::Truncated => Err(Reason::BrokenDns { why: "truncated over TCP" }.into()),
            Read::Malformed(why) => Err(Reason::BrokenDns { why }.into()),
            Read::Mismatch => Err(Reason::BrokenDns { why: "what comes is no response to the query" }.into()),
        }
    }
}

impl Session for DnsSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        *phase = Phase::Response;
        let query = self.test.query(u16::from_be_bytes(random_bytes()));
        let answer = match self.over_udp(ends, &query).await? {
            Some(answer) => answer,
            None => self.over_tcp(ends, &query).await?,
        };
        let (header, answered) = answer;
        self.test.judge(&header, answered)?;
        Ok(Evidence::default())
    }
}

/// A socket that hears nobody but `to`.
fn udp_socket(to: SocketAddr, source: Option<IpAddr>) -> Result<UdpSocket, Failure> {
    let socket = socket_from(source, to, (Type::DGRAM, Protocol::UDP))?;
    socket.connect(&to.into()).map_err(|error| Failure::of_connect(&error))?;
    Ok(UdpSocket::from_std(socket.into()).map_err(|error| Trouble::of(&error))?)
}

/// What a message is to a query.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// No response to it.
    Mismatch,
    /// One that does not fit.
    Truncated,
    /// One that cannot be read.
    Malformed(&'static str),
    Answer(Header, Answered),
}

/// RFC 5452, section 9: a response has the id of its query, and its question.
fn read_response(query: &[u8], message: &[u8]) -> Read {
    let (Some(asked), Some(header)) = (Header::read(query), Header::read(message)) else {
        return Read::Mismatch;
    };
    if !header.is_response() || header.id != asked.id || header.opcode() != asked.opcode() {
        return Read::Mismatch;
    }
    let code = Rcode(header.flags & 0x0f);
    let (Some((wanted, _)), Some((question, rest))) = (Question::read(query), Question::read(message)) else {
        // Who cannot read a query repeats no question (RFC 1035, section 4.1.1).
        return match code {
            Rcode::FORMERR | Rcode::NOTIMP => Read::Answer(header, Answered::Code(code)),
            _ => Read::Mismatch,
        };
    };
    if header.counts[0] != 1 || !question.wire.eq_ignore_ascii_case(wanted.wire) {
        return Read::Mismatch;
    }
    if header.flags & Header::TC != 0 {
        return Read::Truncated;
    }
    if code != Rcode::NOERROR {
        return Read::Answer(header, Answered::Code(code));
    }
    match look_into(&header, wanted.qtype, rest) {
        Some(answered) => Read::Answer(header, answered),
        None => Read::Malformed("a record that cannot be read"),
    }
}

/// What NOERROR comes with; none where a record cannot be read.
fn look_into(header: &Header, qtype: Rtype, mut rest: &[u8]) -> Option<Answered> {
    let [_, answers, authorities, _] = header.counts;
    let (mut has_records, mut has_ns, mut has_soa) = (false, false, false);
    for place in 0..u32::from(answers) + u32::from(authorities) {
        let (record, after) = Extra::read(rest)?;
        rest = after;
        if place < u32::from(answers) {
            has_records |= qtype == Rtype::ANY || [qtype, Rtype::CNAME, Rtype::DNAME].contains(&record.rtype);
        } else {
            has_ns |= record.rtype == Rtype::NS;
            has_soa |= record.rtype == Rtype::SOA;
        }
    }
    Some(match (has_records, answers) {
        (true, _) => Answered::Records,
        // RFC 2308, section 2.2: what tells a referral from NODATA.
        (false, 0) if has_ns && !has_soa => Answered::Referral,
        (false, _) => Answered::NoData,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Vec<u8> {
        let name = Name::parse(b"lab.example", NameRef::ROOT).unwrap();
        let question = DnsQuestion { name, rtype: Rtype::A, passes: vec![Answered::Records] };
        Dns { port: Port::new(53).unwrap(), question, is_authoritative: false }.query(7)
    }

    /// A response to it with these flags, and records of these types in the answer and the authority section.
    fn response(flags: u16, answers: &[Rtype], authorities: &[Rtype]) -> Vec<u8> {
        let mut message = asked();
        let count = |records: &[Rtype]| u16::try_from(records.len()).unwrap();
        let counts = [1, count(answers), count(authorities), 0];
        let header = Header { id: 7, flags: Header::QR | flags, counts };
        header.write(message.first_chunk_mut().unwrap());
        for rtype in answers.iter().chain(authorities) {
            message.extend([0xc0, 12]);
            message.extend(rtype.0.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 5, 0, 1, 9]);
        }
        message
    }

    fn answered(flags: u16, answers: &[Rtype], authorities: &[Rtype]) -> Answered {
        match read_response(&asked(), &response(flags, answers, authorities)) {
            Read::Answer(_, answered) => answered,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_error_is_records_or_nothing_or_a_referral() {
        assert_eq!(answered(0, &[Rtype::A], &[]), Answered::Records);
        assert_eq!(answered(0, &[Rtype::CNAME], &[]), Answered::Records);
        assert_eq!(answered(0, &[Rtype::RRSIG], &[]), Answered::NoData);
        assert_eq!(answered(0, &[], &[Rtype::SOA]), Answered::NoData);
        assert_eq!(answered(0, &[], &[]), Answered::NoData);
        assert_eq!(answered(0, &[], &[Rtype::NS]), Answered::Referral);
        assert_eq!(answered(5, &[], &[]), Answered::Code(Rcode::REFUSED));
    }

    #[test]
    fn a_response_is_judged_by_what_passes() {
        let name: Name = "lab.example".parse().unwrap();
        let question = DnsQuestion { name, rtype: Rtype::A, passes: vec![Answered::Records] };
        let said = |flags, answers: &[Rtype]| question.judge(&response(flags, answers, &[]));
        assert_eq!(said(0, &[Rtype::A]), Ok(()));
        assert_eq!(said(0, &[]).unwrap_err().to_string(), "answered NODATA");
        assert_eq!(said(2, &[]).unwrap_err().to_string(), "answered SERVFAIL");
        assert!(question.judge(b"\0\x07").is_err());
    }

    #[test]
    fn what_is_no_response_to_the_query_is_none() {
        let good = response(0, &[Rtype::A], &[]);
        let changed = |at: usize, byte: u8| {
            let mut message = good.clone();
            message[at] = byte;
            read_response(&asked(), &message)
        };
        assert_eq!(changed(1, 8), Read::Mismatch, "another id");
        assert_eq!(changed(2, 0), Read::Mismatch, "a query");
        assert_eq!(changed(14, b'x'), Read::Mismatch, "another name");
        assert!(matches!(changed(14, b'A'), Read::Answer(..)), "the same name in another case");
        assert_eq!(changed(2, 0x82), Read::Truncated);
        assert!(matches!(changed(7, 2), Read::Malformed(_)), "fewer records than announced");
        assert_eq!(read_response(&asked(), &[]), Read::Mismatch);
    }
}
