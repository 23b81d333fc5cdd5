//! edgedns: authoritative DNS whose answers follow health probes.
//!
//! docs/architecture.md draws how data flows through these rooms, and states the invariants. In short: zone text
//! becomes zones, zones become prepared bytes ([`zones`], [`answer`]); probes become verdicts, verdicts a board
//! ([`health`]); [`daemon`] publishes both as one snapshot; a worker of [`transport`] answers from the newest
//! snapshot with [`answer::respond`].
//!
//! # Rooms, lowest floor first
//!
//! A room uses only the rooms that this list names before it. `tests/project/floors.rs` reads the list and
//! reports every use that breaks the order.

pub mod sync; // locks that stay usable after a panic, values behind them, and work that several threads share

pub mod allocator; // free memory, given back to the system; knows nothing

pub mod shared_list; // a long list whose copies share what has not changed; knows nothing

pub mod shared_map; // a map whose copies share what has not changed; knows nothing

pub mod protobuf; // fields of messages of Protocol Buffers; knows no message

pub mod source; // source text, spans, diagnostics; knows no DNS

pub mod pattern; // globs of names and addresses

pub mod delivery; // files for an operator: all of them or none; does not know what is in them

pub mod crypto; // which cryptographic module computes; knows nothing

pub mod tls; // trust anchors, certificates, client and server settings, random numbers; knows no peers

pub mod dns; // names, types, RDATA, messages; knows no zones

pub mod tsig; // keys, signing and verifying messages; knows no zones and no files

pub mod lua; // the expression language of LUA records; runs nothing

pub mod setting; // keys, tables and values of the config file, `[[key]]`s that values name; knows no table

pub mod probe; // what can be tested, and one run of it; knows no thresholds

pub mod zone; // name tree, RRsets, pools, rules between records; knows no verdicts

pub mod zonefile; // zone text to zone and back; knows no serving

pub mod dnssec; // keys, canonical form, signatures, denial of existence; makes records of them and answers nothing

pub mod layout; // layouts of keys in a store, as records; knows no store

pub mod health; // verdict, schedule, board, engine; knows no records

pub mod answer; // compile, snapshot, respond; knows no sockets and no time

pub mod update; // RFC 2136: prerequisites, policy, changes; changes nothing

pub mod transport; // UDP, TCP and TLS; knows no zones

pub mod requestor; // asking another server, judging its response; knows no caches and no clients

pub mod forward; // names that are not ours: upstreams, cache; asks our zones as clients do

pub mod http_client; // one connection to a server over HTTP/1.1, and what comes over it

pub mod webhook; // changes of verdict, told to one URL of the operator; knows no targets

pub mod etcd; // a client of etcd, and verdicts between servers by way of one; knows no zones

pub mod kubernetes; // a client of the API servers of a cluster: nodes and pods; knows no zones

pub mod transfer; // zones from and to other servers; knows no sources and publishes nothing

pub mod zones; // sources of zones, good versions, what outlives a restart; publishes nothing

pub mod control; // how an operator reaches the server; asks, never acts

pub mod import; // other servers' files to ours; offline

pub mod deploy; // files for a cluster, made offline; the host they go to

pub mod config; // the config file

pub mod daemon; // start order, the one loop, the only Publisher

pub mod tools; // the work of commands that are no server: check, compare, demo, asking a running server
