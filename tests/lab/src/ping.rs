//! Datagrams from node to node, sent by the lab itself: shows what the cables
//! do, with no program needed in the nodes.

use std::{
    fs::File,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::netns;

/// How long one datagram may take.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Two adapters of one network, ready to be tried.
#[derive(Debug)]
pub struct Pair {
    /// The network namespace and address of the first.
    pub from: (File, IpAddr),
    /// The same of the second.
    pub to: (File, IpAddr),
}

/// How many datagrams arrived, each way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PingReply {
    /// Sent each way.
    pub sent: u32,
    /// Arrived at the second adapter.
    pub there: u32,
    /// Arrived at the first adapter.
    pub back: u32,
    /// Shortest time from sender to receiver, in microseconds.
    pub fastest_us: Option<u64>,
}

impl Pair {
    /// Sends `count` datagrams each way, one after the other. The directions
    /// are independent, except that the kernel must know the other's hardware
    /// address, which it learns with a packet each way.
    ///
    /// # Errors
    ///
    /// A socket could not be opened.
    pub fn ping(&self, count: u32) -> Result<PingReply> {
        let near = socket(&self.from)?;
        let far = socket(&self.to)?;
        let mut reply = PingReply { sent: count, there: 0, back: 0, fastest_us: None };
        for number in 0..count {
            for (sender, receiver, arrived) in
                [(&near, &far, &mut reply.there), (&far, &near, &mut reply.back)]
            {
                if let Some(took) = send(sender, receiver, number) {
                    *arrived += 1;
                    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    reply.fastest_us = Some(reply.fastest_us.map_or(us, |best| best.min(us)));
                }
            }
        }
        Ok(reply)
    }
}

fn socket((net, address): &(File, IpAddr)) -> Result<UdpSocket> {
    netns::within(net, || {
        let socket = UdpSocket::bind((*address, 0))
            .with_context(|| format!("open a socket on {address}"))?;
        socket.set_read_timeout(Some(TIMEOUT)).context("limit the waiting time")?;
        Ok(socket)
    })
}

/// Sends one datagram; returns how long it took, if it arrived.
fn send(sender: &UdpSocket, receiver: &UdpSocket, number: u32) -> Option<Duration> {
    let to: SocketAddr = receiver.local_addr().ok()?;
    let from = sender.local_addr().ok()?;
    let started = Instant::now();
    // Refused when the carrier is gone: it did not arrive.
    sender.send_to(&number.to_be_bytes(), to).ok()?;
    let mut bytes = [0; 8];
    while let Ok((length, source)) = receiver.recv_from(&mut bytes) {
        if source == from && bytes[..length] == number.to_be_bytes() {
            return Some(started.elapsed());
        }
        if started.elapsed() > TIMEOUT {
            break;
        }
    }
    None
}
