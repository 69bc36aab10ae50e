//! `[metrics]`: where a scrape over HTTP is answered besides the Unix socket.

use std::net::SocketAddr;

use hats_config::Section;

/// What the section says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Metrics {
    /// None: only the Unix socket.
    pub(crate) listen: Option<SocketAddr>,
}

pub(super) fn read(section: &Section<'_, '_>) -> Metrics {
    let expected = "expected an address of this host itself and a port, as \"127.0.0.1:9107\" or \
                    \"[::1]:9107\"";
    let Some(at) = section.parsed::<SocketAddr>("listen", expected) else {
        return Metrics::default();
    };
    // Metrics tell who is in the cluster and what is broken, and are read by
    // anybody who can reach the port.
    if !at.value.ip().is_loopback() || at.value.port() == 0 {
        section.source().error(at.wrong(section.source(), expected));
        return Metrics::default();
    }
    Metrics { listen: Some(at.value) }
}
