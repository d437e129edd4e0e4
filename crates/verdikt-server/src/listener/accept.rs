//! What connections come in by.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};

use super::address::Address;
use super::socket::Socket;

/// A port or a Unix socket that is listened to.
#[derive(Debug)]
pub(super) enum Acceptor {
    Tcp(TcpListener),
    Unix(Socket),
}

/// A connection that has come in.
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Acceptor {
    /// Listens, and says where.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub(super) async fn listen(address: &Address, socket_mode: u32) -> io::Result<(Self, Address)> {
        match address {
            Address::Tcp(address) => {
                let listener = bind(*address)?;
                let address = listener.local_addr()?.into();
                Ok((Self::Tcp(listener), address))
            }
            Address::Unix(path) => {
                let socket = Socket::listen(path, socket_mode).await?;
                Ok((Self::Unix(socket), address.clone()))
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                if let Err(error) = set_up(&stream) {
                    tracing::debug!(%peer, "a connection is used as it is: {error}");
                }
                Ok(Accepted::Tcp(stream, peer))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok(Accepted::Unix(stream))
            }
        }
    }
}

/// Sends what is written at once, and asks whoever has been silent whether they are still there.
fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 6);
    SockRef::from(stream).set_tcp_keepalive(&keepalive.with_retries(3))
}

/// How long a client is silent before it is asked; as kube-apiserver. The system does so, and frames of HTTP/2 that do
/// the same would cost every request something.
const SILENCE: Duration = Duration::from_secs(180);

/// A port that is listened to, with room for as many connections that wait as the system usually grants.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As usual for servers: one that ended a moment ago is in nobody's way.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Connections that wait to be accepted.
pub(super) const BACKLOG: u32 = 4_096;

impl Accepted {
    /// Where it comes from, if that has an address.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, peer) => Some(*peer),
            Self::Unix(_) => None,
        }
    }
}
