//! edgedns: authoritative DNS whose answers follow health probes.
//!
//! This page is the architecture document: how data flows, which rooms there
//! are, and what each may know.
//!
//! # Flow
//!
//! ```text
//!            operator                       targets
//!               │                                  ▲ │
//!   zone text   │ config file                probe │ │ outcome
//!      │        ▼                                  │ ▼
//!      ▼     ┌────────┐   targets to probe  ┌──────────────────┐
//!  zonefile ▶│ daemon │────────────────────▶│ health           │
//!  └▶ zone ─▶│  the   │◀────────────────────│ engine ▶ verdict │
//!            │  one   │   board changed     │        ▶ board   │
//!  control ─▶│  loop  │                     └──────────────────┘
//!  requests  └───┬────┘
//!                │ compile(zones, board)
//!                ▼
//!          answer::Snapshot ── Publisher (one) ─▶ cell ─▶ Reader (one per worker)
//!                                                              │
//!  client ──▶ transport ──▶ answer::respond(snapshot, query, out) ──▶ transport ──▶ client
//!                 │ not ours        └── counters ──▶ control (reads only)     ▲
//!                 └──▶ forward: cache ──▶ requestor ──▶ upstreams ────────────┘
//! ```
//!
//! 1. Zone text becomes zones. Every fault is found here, all of them in one
//!    run, each with file, line, column and a caret; nothing wrong is ever
//!    discovered by a query.
//! 2. Zones become ready bytes: for each owner and type the RRset in wire
//!    form, for each zone its negative answer, for each zone cut its referral.
//! 3. Outcomes become verdicts, verdicts a board. A changed board republishes
//!    the pools' bytes, nothing else.
//! 4. A worker takes the newest snapshot once per batch and copies bytes.
//! 5. Names outside our zones are refused or, where the operator says so and
//!    for whom, forwarded: the worker looks into a cache, and hands over what
//!    is not there.
//!
//! # Invariants
//!
//! * A snapshot is a pure function of zones and board.
//! * Only [`daemon`] publishes. [`control`] asks, it never acts.
//! * Below [`answer::respond`]: no allocation, lock, log, clock, system call
//!   or panic.
//! * A query never starts a probe and never waits for one.
//! * [`transport`] knows no zones, [`answer`] no sockets, [`health`] no
//!   records, [`zone`] no verdicts.
//! * A zone that cannot be read leaves its last good version served and the
//!   others untouched, and says so; at a start the one whose text was kept.
//! * [`config`] knows every room; no room knows `config`.
//!
//! # Rooms, lowest floor first
//!
//! A room uses only rooms above it in this list (`tests/project/floors.rs` reads the
//! list and says where one looks up).

pub mod sync; // locks that are used on after a panic; knows nothing

pub mod source; // source text, spans, diagnostics; knows no DNS

pub mod pattern; // globs of names and addresses

pub mod delivery; // files for an operator: all of them or none; knows not what is in them

pub mod tls; // trust anchors, certificates, client settings, random numbers; knows no peers

pub mod dns; // names, types, RDATA, messages; knows no zones

pub mod lua; // the expression language of LUA records; runs nothing

pub mod setting; // keys, tables and values of the config file; knows no key

pub mod probe; // what can be tested, and one run of it; knows no thresholds

pub mod zone; // name tree, RRsets, pools, rules between records; knows no verdicts

pub mod zonefile; // zone text to zone and back; knows no serving

pub mod health; // verdict, schedule, board, engine; knows no records

pub mod answer; // compile, snapshot, respond; knows no sockets and no time

pub mod transport; // UDP and TCP; knows no zones

pub mod requestor; // asking another server, judging its response; knows no caches and no clients

pub mod forward; // names that are not ours: upstreams, cache; asks our zones as clients do

pub mod zones; // sources of zones, good versions, what outlives a restart; publishes nothing

pub mod control; // how an operator reaches the server; asks, never acts

pub mod import; // other servers' files to ours; offline

pub mod deploy; // files for a cluster, made offline; the host they go to

pub mod config; // the config file

pub mod daemon; // start order, the one loop, the only Publisher

pub mod tools; // what is a command and no server: check, compare, demo, asking a running server
