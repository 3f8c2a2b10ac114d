//! Serves a directory until Ctrl-C: `cargo run -p lakewright-embedded --example serve -- DIR
//! [PORT]`. Meant for tests with other programs. The secret is in `DIR/credentials.json`.

use std::net::Ipv4Addr;

use lakewright_embedded::{EmbeddedOptions, EmbeddedServer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("usage: serve DIR [PORT]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let options = EmbeddedOptions::new(dir).listen((Ipv4Addr::LOCALHOST, port).into());
    let server = EmbeddedServer::start(options).await?;
    #[expect(clippy::print_stdout, reason = "the endpoint is the output of this program")]
    {
        println!("{}", server.endpoint());
    }
    tokio::signal::ctrl_c().await?;
    server.shutdown().await?;
    Ok(())
}
