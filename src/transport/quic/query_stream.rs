//! One query, on a stream of its own (RFC 9250, section 4.2).

use hyper::body::Bytes;
use quinn::{ReadExactError, RecvStream, SendStream, VarInt};
use tokio::time::timeout_at;

use super::code::{EXCESSIVE_LOAD, PROTOCOL_ERROR, UNSPECIFIED_ERROR};
use crate::answer::Peer;
use crate::dns::edns::option;
use crate::dns::message::{HEADER_BYTES, Header};
use crate::dns::truncation::find_opt;
use crate::transport::responder::Responder;
use crate::transport::stream::{
    ConcurrentQueries, HeldResponse, IncomingMessage, TcpSettings, TooLong, deadline,
};

/// What a client has done that ends its connection (RFC 9250, section 4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// The stream ended before the query did.
    EarlyEnd,
    /// The query is whole, and the stream does not end.
    NoEnd,
    /// There is more than one query on it.
    SecondQuery,
    /// It is too short to be DNS.
    NotDns,
    /// The message id is not 0 (section 4.2.1).
    MessageId,
    /// EDNS keepalive is for TCP (section 5.5.2).
    Keepalive,
}

/// Why a stream ends early.
enum Broken {
    /// The client has given it up, or its connection is gone.
    GivenUp,
    /// We give it up, for this reason.
    Reset(VarInt),
    /// The connection is to end.
    Violation(Violation),
}

impl Violation {
    /// The same in words, for the client.
    pub(super) fn text(self) -> &'static str {
        match self {
            Violation::EarlyEnd => "the stream ends before the query does",
            Violation::NoEnd => "the stream does not end behind its query",
            Violation::SecondQuery => "more than one query on a stream",
            Violation::NotDns => "this is not DNS",
            Violation::MessageId => "a message id that is not 0",
            Violation::Keepalive => "edns-tcp-keepalive is for TCP",
        }
    }
}

/// Answers the query of a stream, until the client has all of it.
pub(super) async fn serve<R: Responder>(
    (mut send, mut receive): (SendStream, RecvStream),
    queries: &ConcurrentQueries<R>,
    peer: Peer,
    settings: &TcpSettings,
) -> Result<(), Violation> {
    let answered = match self::receive(&mut receive, queries, settings).await {
        Ok(query) => answer(&mut send, queries, peer, query).await,
        Err(broken) => Err(broken),
    };
    let (code, ended) = match answered {
        Ok(()) | Err(Broken::GivenUp) => return Ok(()),
        Err(Broken::Reset(code)) => (code, Ok(())),
        Err(Broken::Violation(violation)) => (PROTOCOL_ERROR, Err(violation)),
    };
    // A stream that has ended already needs neither.
    let _ = (send.reset(code), receive.stop(code));
    ended
}

/// Receives the query, and then the end of the stream: a client must say there that it has only one. Servers may wait for
/// that, and to leave it out is against the protocol (sections 4.2 and 4.3.3).
async fn receive<R: Responder>(
    stream: &mut RecvStream,
    queries: &ConcurrentQueries<R>,
    settings: &TcpSettings,
) -> Result<IncomingMessage, Broken> {
    let until = deadline(settings.idle);
    let query = timeout_at(until, read(stream, queries)).await;
    let query = query.map_err(|_| Broken::Reset(EXCESSIVE_LOAD))??;
    match timeout_at(until, stream.read_chunk(1, true)).await {
        Ok(Ok(None)) => Ok(query),
        Ok(Ok(Some(_))) => Err(Broken::Violation(Violation::SecondQuery)),
        Ok(Err(_)) => Err(Broken::GivenUp),
        Err(_) => Err(Broken::Violation(Violation::NoEnd)),
    }
}

/// Receives the query.
async fn read<R: Responder>(
    stream: &mut RecvStream,
    queries: &ConcurrentQueries<R>,
) -> Result<IncomingMessage, Broken> {
    let too_long = |TooLong| Broken::Reset(UNSPECIFIED_ERROR);
    let mut length = [0; 2];
    match stream.read_exact(&mut length).await {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(_)) => return Err(Broken::Violation(Violation::EarlyEnd)),
        Err(ReadExactError::ReadError(_)) => return Err(Broken::GivenUp),
    }
    let length = usize::from(u16::from_be_bytes(length));
    if length < HEADER_BYTES {
        return Err(Broken::Violation(Violation::NotDns));
    }
    let mut query = queries.receive(length).await.map_err(too_long)?;
    while let missing @ 1.. = length.saturating_sub(query.bytes().len()) {
        let chunk = stream.read_chunk(missing, true).await.map_err(|_| Broken::GivenUp)?;
        let chunk = chunk.ok_or(Broken::Violation(Violation::EarlyEnd))?;
        queries.add(&mut query, &chunk.bytes).map_err(too_long)?;
    }
    Ok(query)
}

/// Answers the query.
async fn answer<R: Responder>(
    stream: &mut SendStream,
    queries: &ConcurrentQueries<R>,
    peer: Peer,
    query: IncomingMessage,
) -> Result<(), Broken> {
    if let Some(violation) = violation(query.bytes()) {
        return Err(Broken::Violation(violation));
    }
    let mut responses = tokio::select! {
        biased;
        responses = queries.answer(peer, query.bytes()) => responses,
        // The client wants no answer any more (section 4.3.1): it waits for no room either.
        _ = stream.stopped() => return Err(Broken::GivenUp),
    };
    drop(query);
    let mut first = true;
    loop {
        let response = tokio::select! {
            biased;
            response = responses.next() => response,
            _ = stream.stopped() => return Err(Broken::GivenUp),
        };
        match response {
            Some(response) => write(stream, response).await?,
            None if first => return Err(Broken::Reset(UNSPECIFIED_ERROR)),
            None => break,
        }
        first = false;
    }
    stream.finish().map_err(|_| Broken::GivenUp)?;
    // Only what is acknowledged survives the end of the connection.
    stream.stopped().await.map_err(|_| Broken::GivenUp)?;
    Ok(())
}

/// What of a whole query is against the protocol.
fn violation(query: &[u8]) -> Option<Violation> {
    if Header::read(query).is_none_or(|header| header.id != 0) {
        return Some(Violation::MessageId);
    }
    let keepalive = find_opt(query).and_then(|(_, edns)| edns.option(option::TCP_KEEPALIVE));
    keepalive.map(|_| Violation::Keepalive)
}

/// Writes a response behind its length. The connection holds it until it is acknowledged.
async fn write(stream: &mut SendStream, response: HeldResponse) -> Result<(), Broken> {
    // A message has 65,535 bytes at most.
    let length = u16::try_from(response.as_ref().len()).map_err(|_| Broken::Reset(UNSPECIFIED_ERROR))?;
    let mut chunks = [Bytes::copy_from_slice(&length.to_be_bytes()), Bytes::from_owner(response)];
    stream.write_all_chunks(&mut chunks).await.map_err(|_| Broken::GivenUp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::edns::OptWriter;
    use crate::dns::message::{Rcode, class};
    use crate::dns::message_writer::owned;
    use crate::dns::{Name, Rtype};

    fn query(id: u16, options: &[u16]) -> Vec<u8> {
        let qname: Name = "www.example.".parse().unwrap();
        owned(512, id, 0, |message| {
            message.question(qname.as_ref(), Rtype::A, class::IN);
            let mut opt = OptWriter::new(message, Rcode::NOERROR, 0);
            options.iter().for_each(|code| opt.option(*code, &[]));
            opt.finish();
        })
    }

    #[test]
    fn an_id_and_a_keepalive_are_against_the_protocol() {
        assert_eq!(violation(&query(0, &[option::NSID, option::PADDING])), None);
        assert_eq!(violation(&query(7, &[])), Some(Violation::MessageId));
        assert_eq!(violation(&query(0, &[option::NSID, option::TCP_KEEPALIVE])), Some(Violation::Keepalive));
        // What cannot be read is answered as over any other transport.
        assert_eq!(violation(&query(0, &[])[..20]), None);
    }
}
