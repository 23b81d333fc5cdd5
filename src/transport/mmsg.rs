//! The system calls that std does not have: batches of datagrams, the address a datagram was sent to, waiting
//! on several sockets, some socket options.
//!
//! Holds every `unsafe` block about sockets; what it offers is safe. When to receive, and what an error means
//! for the server, is decided by `udp`.

#![allow(unsafe_code, reason = "std has no batched datagram calls, poll or packet information")]

use std::io;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};

use crate::answer::Reply;

/// Datagrams taken by one system call. Beyond 64 the share of the call in the cost of a datagram is not
/// measurable any more (one part in 64), while the first query of the batch waits for the last.
pub(super) const BATCH: usize = 64;

/// Longest query taken over UDP, in bytes. A question with EDNS, cookie and padding stays far below; a longer
/// datagram is dropped, not cut.
pub(super) const QUERY_LENGTH_MAX: usize = 4096;

/// Longest response sent over UDP, in bytes: what passes every link of 1280 bytes MTU unfragmented, whatever
/// the client offers (RFC 9715).
pub(super) const RESPONSE_LENGTH_MAX: usize = 1232;

/// The kernel's `sockaddr`, large enough for both families.
///
/// Kept as bytes, because two layouts share it: the family in the first two, then the port, then for IPv4 the
/// address at 4, for IPv6 at 8.
#[repr(C, align(4))]
#[derive(Clone, Copy)]
struct SocketName([u8; size_of::<libc::sockaddr_in6>()]);

/// The way back to the sender of a datagram, kept for a response that is sent later.
#[derive(Clone, Copy)]
pub(super) struct ReturnAddress {
    name: SocketName,
    name_length: libc::socklen_t,
    control: Control,
    /// 0: no message.
    control_length: usize,
}

/// A query that came in a datagram.
pub(super) struct Arrival<'b> {
    pub(super) client: IpAddr,
    pub(super) query: &'b [u8],
    name: &'b SocketName,
    name_length: libc::socklen_t,
    control: &'b Control,
    control_length: usize,
}

impl Arrival<'_> {
    /// The way back to its sender.
    pub(super) fn return_address(&self) -> ReturnAddress {
        let mut control = *self.control;
        let control_length = control.reply(self.control_length);
        ReturnAddress { name: *self.name, name_length: self.name_length, control, control_length }
    }
}

/// One control message: where a datagram was sent to.
///
/// `data` is an `in_pktinfo` (interface, local address, destination) or an `in6_pktinfo` (destination,
/// interface); kept as bytes for the same reason.
#[repr(C)]
#[derive(Clone, Copy)]
struct Control {
    head: libc::cmsghdr,
    data: [u8; 24],
}

/// A query, and one cache line more: slots exactly 4096 bytes apart would all fall into the same set of the
/// first-level cache.
#[repr(C)]
struct QuerySpace {
    bytes: [u8; QUERY_LENGTH_MAX],
    gap: [u8; 64],
}

/// Everything one worker receives into and sends from: one allocation of 360 kB, of which only the pages in
/// use are ever touched.
///
/// `received[i]`, `names[i]`, `controls[i]` and `queries[i]` belong together, and so do `ready[k]` and
/// `responses[k]`; `ready` has no gaps.
#[repr(C)]
struct Slots {
    received: [libc::mmsghdr; BATCH],
    received_into: [libc::iovec; BATCH],
    names: [SocketName; BATCH],
    controls: [Control; BATCH],
    ready: [libc::mmsghdr; BATCH],
    ready_from: [libc::iovec; BATCH],
    queries: [QuerySpace; BATCH],
    responses: [[u8; RESPONSE_LENGTH_MAX]; BATCH],
}

const PKTINFO_V4_LENGTH: usize = size_of::<libc::in_pktinfo>();
const PKTINFO_V6_LENGTH: usize = 20;
const NAME_SPACE: libc::socklen_t = 28;
const OPTION_LENGTH: libc::socklen_t = 4;
const PROGRAM_LENGTH: libc::socklen_t = 16;
const WIDTH: libc::c_uint = 64;

/// errno: the kernel has no such address family.
pub(super) const NO_SUCH_FAMILY: i32 = libc::EAFNOSUPPORT;

/// errno: the process has as many files open as it may.
pub(super) const TOO_MANY_FILES: i32 = libc::EMFILE;

// What the byte offsets below rely on; a platform that differs does not compile.
const _: () = {
    assert!(WIDTH as usize == BATCH);
    assert!(size_of::<libc::c_int>() == OPTION_LENGTH as usize);
    assert!(size_of::<libc::sock_fprog>() == PROGRAM_LENGTH as usize);
    assert!(size_of::<SocketName>() == NAME_SPACE as usize);
    assert!(offset_of!(libc::sockaddr_in, sin_port) == 2);
    assert!(offset_of!(libc::sockaddr_in, sin_addr) == 4);
    assert!(offset_of!(libc::sockaddr_in6, sin6_port) == 2);
    assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == 8);
    assert!(offset_of!(libc::in_pktinfo, ipi_ifindex) == 0);
    assert!(offset_of!(Control, data) == message_length(0));
    assert!(size_of::<Control>() >= message_space(PKTINFO_V6_LENGTH));
};

/// Length of a control message with `length` bytes of data, without padding.
#[allow(clippy::cast_possible_truncation, reason = "20 bytes at most")]
const fn message_length(length: usize) -> usize {
    // SAFETY: arithmetic only; libc marks all its CMSG functions unsafe.
    unsafe { libc::CMSG_LEN(length as libc::c_uint) as usize }
}

/// Length of a control message with `length` bytes of data, with padding.
#[allow(clippy::cast_possible_truncation, reason = "20 bytes at most")]
const fn message_space(length: usize) -> usize {
    // SAFETY: arithmetic only; libc marks all its CMSG functions unsafe.
    unsafe { libc::CMSG_SPACE(length as libc::c_uint) as usize }
}

impl SocketName {
    /// The sender's address; `None` for what cannot be answered: port 0, or no internet address at all.
    fn client(&self) -> Option<IpAddr> {
        let (family, rest) = self.0.split_first_chunk::<2>()?;
        let (port, rest) = rest.split_first_chunk::<2>()?;
        if u16::from_be_bytes(*port) == 0 {
            return None;
        }
        match libc::c_int::from(u16::from_ne_bytes(*family)) {
            libc::AF_INET => rest.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
            libc::AF_INET6 => {
                let (_flow, rest) = rest.split_first_chunk::<4>()?;
                rest.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into())
            }
            _ => None,
        }
    }
}

impl Control {
    /// Turns "came in for this address over this interface" into "send from this address", in place. Returns
    /// the length to send, 0 for no message.
    ///
    /// The interface is cleared, so that the routing table chooses the way back, except for link-local
    /// addresses, which mean nothing without one.
    fn reply(&mut self, received_length: usize) -> usize {
        if received_length < message_length(0) {
            return 0;
        }
        let kind = (self.head.cmsg_level, self.head.cmsg_type);
        if kind == (libc::IPPROTO_IP, libc::IP_PKTINFO)
            && self.head.cmsg_len == message_length(PKTINFO_V4_LENGTH)
        {
            if let Some(interface) = self.data.first_chunk_mut::<4>() {
                *interface = [0; 4];
            }
            return message_space(PKTINFO_V4_LENGTH);
        }
        if kind == (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
            && self.head.cmsg_len == message_length(PKTINFO_V6_LENGTH)
        {
            if let Some((address, rest)) = self.data.split_first_chunk_mut::<16>()
                && !Ipv6Addr::from(*address).is_unicast_link_local()
                && let Some(interface) = rest.first_chunk_mut::<4>()
            {
                *interface = [0; 4];
            }
            return message_space(PKTINFO_V6_LENGTH);
        }
        0
    }
}

/// Up to [`BATCH`] queries and their responses: received, answered and sent together, for one socket at a
/// time. Nothing is allocated after `new`.
pub(super) struct Batch {
    slots: NonNull<Slots>,
    /// Queries in the first slots.
    received: usize,
    /// Responses in the first slots.
    ready: usize,
}

/// What [`Batch::answer`] passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Datagrams longer than [`QUERY_LENGTH_MAX`].
    pub(super) oversized: u64,
}

// SAFETY: `slots` is owned by this value alone, and all pointers inside point into it.
unsafe impl Send for Batch {}

impl Batch {
    /// An empty batch.
    pub(super) fn new() -> Self {
        // SAFETY: all fields are integers, raw pointers and arrays of them, for which zero is a value.
        let slots = unsafe { Box::<Slots>::new_zeroed().assume_init() };
        let slots = NonNull::from(Box::leak(slots));
        let base = slots.as_ptr();
        for index in 0..BATCH {
            // SAFETY: `base` is a live allocation and `index` is in the bounds of each array. No reference is
            // made, so every pointer stored has the provenance of `base` itself and outlives the references
            // that `slots_mut` lends.
            unsafe {
                let query = (&raw mut (*base).queries).cast::<QuerySpace>().add(index);
                let into = (&raw mut (*base).received_into).cast::<libc::iovec>().add(index);
                (*into).iov_base = (&raw mut (*query).bytes).cast();
                (*into).iov_len = QUERY_LENGTH_MAX;

                let received = (&raw mut (*base).received).cast::<libc::mmsghdr>().add(index);
                (*received).msg_hdr.msg_iov = into;
                (*received).msg_hdr.msg_iovlen = 1;
                (*received).msg_hdr.msg_name =
                    (&raw mut (*base).names).cast::<SocketName>().add(index).cast();
                (*received).msg_hdr.msg_namelen = NAME_SPACE;
                (*received).msg_hdr.msg_control =
                    (&raw mut (*base).controls).cast::<Control>().add(index).cast();
                (*received).msg_hdr.msg_controllen = size_of::<Control>();

                let from = (&raw mut (*base).ready_from).cast::<libc::iovec>().add(index);
                (*from).iov_base =
                    (&raw mut (*base).responses).cast::<[u8; RESPONSE_LENGTH_MAX]>().add(index).cast();

                let ready = (&raw mut (*base).ready).cast::<libc::mmsghdr>().add(index);
                (*ready).msg_hdr.msg_iov = from;
                (*ready).msg_hdr.msg_iovlen = 1;
            }
        }
        Self { slots, received: 0, ready: 0 }
    }

    /// Takes the datagrams that wait at `socket`, without waiting for any. Returns how many came. HOT.
    ///
    /// # Errors
    /// Those of recvmmsg(2), except that there is nothing to receive.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.clear();
        loop {
            // SAFETY: the first BATCH headers and all they point to live in `slots` until the call returns,
            // and nothing else refers to them; lengths are those of the memory behind.
            let got = unsafe {
                let headers = (&raw mut (*self.slots.as_ptr()).received).cast::<libc::mmsghdr>();
                let flags = libc::MSG_DONTWAIT;
                libc::recvmmsg(socket.as_raw_fd(), headers, WIDTH, flags, null_mut())
            };
            if let Ok(got) = usize::try_from(got) {
                self.received = got.min(BATCH);
                return Ok(self.received);
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Ok(0),
                _ => return Err(error),
            }
        }
    }

    /// Calls `respond` for every query received, with the space for the response. One that is answered
    /// elsewhere is the caller's to keep. HOT.
    pub(super) fn answer(&mut self, mut respond: impl FnMut(&Arrival<'_>, &mut [u8]) -> Reply) -> Passed {
        let received = self.received;
        let mut ready: usize = 0;
        let mut passed = Passed::default();
        let slots = self.slots_mut();
        let queries = slots.received.iter().zip(&slots.queries).zip(&slots.names).zip(&mut slots.controls);
        let mut spaces = slots.ready.iter_mut().zip(&mut slots.ready_from).zip(&mut slots.responses);
        let mut unused = None;
        for (((header, query), name), control) in queries.take(received) {
            let from = &header.msg_hdr;
            if from.msg_flags & libc::MSG_TRUNC != 0 {
                passed.oversized = passed.oversized.saturating_add(1);
                continue;
            }
            let (Some(client), Some(query)) = (name.client(), query.bytes.get(..header.msg_len as usize))
            else {
                continue;
            };
            let Some(((to, bytes), response)) = unused.take().or_else(|| spaces.next()) else {
                break;
            };
            let arrival = Arrival {
                client,
                query,
                name,
                name_length: from.msg_namelen,
                control,
                control_length: from.msg_controllen,
            };
            match respond(&arrival, response) {
                Reply::Drop | Reply::Forward | Reply::ForwardTail { .. } | Reply::HandOver(_) => {
                    unused = Some(((to, bytes), response))
                }
                Reply::Send { len } => {
                    bytes.iov_len = len.min(RESPONSE_LENGTH_MAX);
                    to.msg_hdr.msg_name = from.msg_name;
                    to.msg_hdr.msg_namelen = from.msg_namelen;
                    to.msg_hdr.msg_control = from.msg_control;
                    to.msg_hdr.msg_controllen = control.reply(from.msg_controllen);
                    ready = ready.saturating_add(1);
                }
            }
        }
        self.ready = ready;
        passed
    }

    /// Sends the responses. A datagram that the kernel refuses is skipped and the rest still goes out; when
    /// the socket cannot take more within its own time limit, the rest is given up, as the network might have
    /// done. Returns how many were not sent. HOT.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>) -> u64 {
        let mut unsent: u64 = 0;
        let mut next = 0;
        while next < self.ready {
            let rest = self.ready.saturating_sub(next);
            // `rest` is a batch at most, which 32 bits hold.
            let count = libc::c_uint::try_from(rest).unwrap_or(0);
            // SAFETY: headers `next..ready` lie within the BATCH headers of `slots`, and all they point to
            // lives there too; the kernel only reads it, and writes `msg_len`.
            let sent = unsafe {
                let headers = (&raw mut (*self.slots.as_ptr()).ready).cast::<libc::mmsghdr>().add(next);
                libc::sendmmsg(socket.as_raw_fd(), headers, count, 0)
            };
            if let Ok(sent @ 1..) = usize::try_from(sent) {
                next = next.saturating_add(sent);
                continue;
            }
            match io::Error::last_os_error().kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => {
                    unsent = unsent.saturating_add(rest as u64);
                    break;
                }
                _ => {
                    unsent = unsent.saturating_add(1);
                    next = next.saturating_add(1);
                }
            }
        }
        self.ready = 0;
        unsent
    }

    /// Restores the lengths that the kernel overwrote in the slots it used.
    fn clear(&mut self) {
        let used = self.received;
        self.received = 0;
        self.ready = 0;
        for header in self.slots_mut().received.iter_mut().take(used) {
            header.msg_hdr.msg_namelen = NAME_SPACE;
            header.msg_hdr.msg_controllen = size_of::<Control>();
        }
    }

    fn slots_mut(&mut self) -> &mut Slots {
        // SAFETY: the allocation is live and initialised until drop, and `&mut self` makes the borrow
        // exclusive; the pointers kept inside are used only by the kernel, after it ends.
        unsafe { self.slots.as_mut() }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: `slots` came from a leaked box in `new` and is freed only here.
        drop(unsafe { Box::from_raw(self.slots.as_ptr()) });
    }
}

/// Sends one response, without waiting for room in the socket's buffer.
///
/// # Errors
/// Those of sendmsg(2).
pub(super) fn send_one(socket: BorrowedFd<'_>, to: &ReturnAddress, response: &[u8]) -> io::Result<()> {
    let mut to = *to;
    let mut bytes = libc::iovec { iov_base: response.as_ptr().cast_mut().cast(), iov_len: response.len() };
    // SAFETY: all fields are integers and raw pointers, for which zero is a value.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    header.msg_name = (&raw mut to.name).cast();
    header.msg_namelen = to.name_length;
    header.msg_iov = &raw mut bytes;
    header.msg_iovlen = 1;
    if to.control_length != 0 {
        header.msg_control = (&raw mut to.control).cast();
        header.msg_controllen = to.control_length;
    }
    loop {
        // SAFETY: the header and all it points to live until the call returns, and the kernel only reads
        // them; lengths are those of the memory behind.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Waits until one of several descriptors can be read.
pub(super) struct Waiter {
    entries: Vec<libc::pollfd>,
}

impl Waiter {
    /// Waits for these; the caller keeps them open as long as it waits.
    pub(super) fn new<'a>(descriptors: impl IntoIterator<Item = BorrowedFd<'a>>) -> Self {
        let entry =
            |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        Self { entries: descriptors.into_iter().map(entry).collect() }
    }

    /// Waits without limit; returns when at least one is ready.
    ///
    /// # Errors
    /// Those of poll(2), except interruption.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        loop {
            let count = self.entries.len() as libc::nfds_t;
            // SAFETY: pointer and count describe `entries`, which lives until the call returns. A descriptor
            // closed meanwhile would be reported as such by the kernel.
            if unsafe { libc::poll(self.entries.as_mut_ptr(), count, -1) } >= 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// For each descriptor, in the order of `new`: whether there is something to read, an error included.
    pub(super) fn ready(&self) -> impl Iterator<Item = bool> + '_ {
        self.entries.iter().map(|entry| entry.revents != 0)
    }
}

/// Makes the kernel report the address each datagram was sent to, so that the response leaves from there (RFC
/// 2181, section 4).
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn report_destination(socket: &impl AsFd, address: IpAddr) -> io::Result<()> {
    match address {
        IpAddr::V4(_) => set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
        IpAddr::V6(_) => set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
    }
}

/// Sends whole datagrams or none, whatever ICMP says about the path MTU: fragments, or a path MTU forged to
/// get them, would let an attacker slip in his own (RFC 9715, recommendations 1 and 2). Responses are small
/// enough not to need it; where the link itself carries less, one that does not fit is not sent, and the
/// client asks again for less.
///
/// Over IPv4 this sets the DF bit, which also spares the kernel the choice of an identification per datagram
/// (RFC 6864): 2.5 % of what an answer costs. IPv6 has no such bit, and [`RESPONSE_LENGTH_MAX`] fits its
/// smallest link.
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn never_fragment(socket: &impl AsFd, address: IpAddr) -> io::Result<()> {
    match address {
        IpAddr::V4(_) => set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE),
        IpAddr::V6(_) => {
            set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)
        }
    }
}

/// Lets `filter` choose which socket of the group that `socket` belongs to gets a datagram; a place that
/// there is not: the kernel's own choice.
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn choose_by(socket: &impl AsFd, filter: &[libc::sock_filter]) -> io::Result<()> {
    let Ok(len) = u16::try_from(filter.len()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: `program` and the filter it points to live until the call returns, with so many instructions;
    // the kernel copies them.
    let set = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            PROGRAM_LENGTH,
        )
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Leaves the choice to the kernel again.
///
/// # Errors
/// Those of setsockopt(2); ENOENT where there was no filter.
pub(super) fn choose_freely(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_DETACH_REUSEPORT_BPF, 0)
}

/// Has connections wait in the kernel, for about so many seconds, until their client has sent something: accepting one and
/// reading from it is then one thing to wake up for, not two. What has sent nothing by then is accepted as it is, so that
/// the limits of idle connections hold.
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn accept_with_data(listener: &impl AsFd, seconds: u8) -> io::Result<()> {
    set_option(listener, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, seconds.into())
}

fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: pointer and length describe `value`, which lives until the call returns.
    let set = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, (&raw const value).cast(), OPTION_LENGTH)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
