//! stdin as a stream of bytes, and questions to whoever sits before it.

use std::io::{self, IsTerminal, Read};

use bytes::Bytes;
use futures::StreamExt;
use lakewright::{ByteStream, Error, ErrorKind};

use crate::failure::{local, say};

/// Pieces in which stdin is read, in bytes: a pipe holds 64 KiB, a file gives as much as asked.
const PIECE: usize = 256 << 10;

/// How many pieces may wait to be sent.
const WAITING: usize = 8;

/// Everything that comes through stdin. A thread of its own reads, because a read that waits for
/// a keyboard cannot be cancelled and would keep a runtime from ending.
pub(crate) fn stdin() -> ByteStream {
    let (sender, receiver) = tokio::sync::mpsc::channel(WAITING);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = stdin.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            let piece = match read {
                Ok(0) => return,
                Ok(_) => Ok(Bytes::from(piece)),
                Err(error) => Err(local(error, "stdin").during("read")),
            };
            let failed = piece.is_err();
            if sender.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
    .fuse()
    .boxed()
}

/// Asks before something cannot be taken back: `what` continues "This …". Without a terminal there
/// is nobody to ask.
pub(crate) async fn confirm(what: &str) -> Result<(), Error> {
    let answer = ask(what, "Go on? [y/N]").await?;
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::invalid_input("nothing was done: the answer was not yes")),
    }
}

/// Asks as [`confirm`] does, and takes nothing but `word` for a yes: nobody types that by habit.
pub(crate) async fn confirm_word(what: &str, word: &str) -> Result<(), Error> {
    let answer = ask(what, &format!("Type {word} to go on:")).await?;
    if answer == word {
        return Ok(());
    }
    Err(Error::invalid_input(format!("nothing was done: the answer was not {word}")))
}

/// The answer to a question on the terminal, without white space around it.
async fn ask(what: &str, question: &str) -> Result<String, Error> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = format!("this {what}, and without a terminal nobody can be asked: say --yes");
        return Err(Error::invalid_input(why));
    }
    say(&format!("This {what}. {question} "));
    // A thread of its own, so that Ctrl-C need not wait for the answer.
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        // Nobody listens any more after Ctrl-C.
        let _ = sender.send(read.map(|_| line));
    });
    let answer =
        answer.await.map_err(|_| Error::new(ErrorKind::Internal, "the answer was lost"))?;
    let answer = answer.map_err(|error| local(error, "stdin"))?;
    Ok(answer.trim().to_owned())
}
