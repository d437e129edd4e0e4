//! Fronts under load, each beside an echo server of the same framework that reads the same message and gives a
//! fixed answer.
//!
//! Servers and clients share one runtime of as many threads as the machine has cores, and talk over loopback: what a
//! figure says is what one machine does for both ends.

mod echo;
mod load;
mod messages;

use std::net::SocketAddr;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use verdikt::Engine;
use verdikt_server::{Options, Server};

use crate::world::World;

pub use load::Load;

/// How a front is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// `verdikt.v1.Verdikt/Check`, so many calls under way.
    Unary(usize),
    /// SubjectAccessReviews over HTTP/1.1, on so many connections.
    Review(usize),
    /// `CheckStream` on one stream, so many questions under way.
    Stream(usize),
    /// `CheckBatch` with so many questions, on two connections.
    Batch(usize),
}

/// A server of verdikt, and one that echoes.
pub struct Servers {
    runtime: tokio::runtime::Runtime,
    verdikt: Addresses,
    echo: Addresses,
    messages: messages::Messages,
}

#[derive(Clone, Copy)]
struct Addresses {
    grpc: SocketAddr,
    http: SocketAddr,
}

/// What one side did in the time it had.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Decisions each second.
    pub rate: f64,
    /// How long calls took, in nanoseconds, in order.
    pub latencies: Vec<u64>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Servers {
    /// Both, in a world with this many bindings.
    ///
    /// # Errors
    /// If the world does not load, or no port can be had.
    pub fn new(bindings: usize) -> Result<Self, BoxError> {
        let world = World::new(bindings);
        let messages = messages::Messages::new(&world.requests);
        let engine = Engine::builder().objects(world.policy).build()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let options = || Options::new(SocketAddr::from(([127, 0, 0, 1], 0)).into());
        let (verdikt, echo) = runtime.block_on(async {
            let text = |error: verdikt_server::BindError| error.to_string();
            let grpc = Server::bind_grpc(engine.clone(), options()).await.map_err(text)?;
            let http = Server::bind(engine, options()).await.map_err(text)?;
            let address = |server: &Server| server.address().tcp().ok_or("no address of TCP");
            let verdikt = Addresses { grpc: address(&grpc)?, http: address(&http)? };
            for server in [grpc, http] {
                tokio::spawn(server.run(std::future::pending()));
            }
            let echo = echo::start(messages.answer()).await?;
            Ok::<_, BoxError>((verdikt, Addresses { grpc: echo, http: echo }))
        })?;
        Ok(Self { runtime, verdikt, echo, messages })
    }

    /// Asks a front of verdikt for so long.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn verdikt(&self, front: Front, time: Duration) -> Result<Done, BoxError> {
        self.ask(self.verdikt, front, time)
    }

    /// Asks the echo in the same way.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn echo(&self, front: Front, time: Duration) -> Result<Done, BoxError> {
        self.ask(self.echo, front, time)
    }

    fn ask(&self, to: Addresses, front: Front, time: Duration) -> Result<Done, BoxError> {
        self.runtime.block_on(async {
            match front {
                Front::Unary(calls) => {
                    load::unary(connect(to.grpc, 2)?, &self.messages, calls, time).await
                }
                Front::Stream(open) => {
                    load::stream(connect(to.grpc, 1)?, &self.messages, open, time).await
                }
                Front::Batch(size) => {
                    load::batch(connect(to.grpc, 2)?, &self.messages, size, time).await
                }
                Front::Review(connections) => {
                    load::review(to.http, &self.messages, connections, time).await
                }
            }
        })
    }
}

fn connect(address: SocketAddr, connections: usize) -> Result<Vec<Channel>, BoxError> {
    let endpoint = Endpoint::try_from(format!("http://{address}"))?.tcp_nodelay(true);
    Ok((0..connections).map(|_| endpoint.connect_lazy()).collect())
}
