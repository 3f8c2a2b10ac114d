//! `lakewright man`

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::context::Context;
use crate::failure::{Outcome, local};

/// Print or write the manual pages
///
/// Prints the page lakewright(1), or the page of the verb that is named. With --dir every page is
/// written to a file there, and the files are listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright man | man -l -
  lakewright man object put | man -l -
  lakewright man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Noun and verb whose page to print
    #[arg(value_name = "NOUN VERB", conflicts_with = "dir")]
    path: Vec<String>,
    /// Write all pages into this directory
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let mut root = crate::command();
        root.build();
        let Some(dir) = self.dir else {
            let page = render(find(root, &self.path)?)?;
            return context.out.bytes(&page);
        };
        let failed = |error| local(error, dir.display().to_string()).during("man");
        std::fs::create_dir_all(&dir).map_err(failed)?;
        let mut pages = Vec::new();
        gather(root, "lakewright", &mut pages);
        for (name, command) in pages {
            let path = dir.join(format!("{name}.1"));
            std::fs::write(&path, render(command)?)
                .map_err(|error| local(error, path.display().to_string()).during("man"))?;
            context.out.bytes(format!("{}\n", path.display()).as_bytes())?;
        }
        Ok(())
    }
}

fn find(root: Command, path: &[String]) -> Outcome<Command> {
    let mut command = root;
    let mut name = String::from("lakewright");
    for word in path {
        command = command.find_subcommand(word).cloned().ok_or_else(|| {
            lakewright::Error::invalid_input(format!("{name} has no verb {word:?}"))
        })?;
        name = format!("{name}-{word}");
    }
    Ok(named(command, &name))
}

fn gather(command: Command, name: &str, pages: &mut Vec<(String, Command)>) {
    let shown = |verb: &&Command| verb.get_name() != "help" && !verb.is_hide_set();
    for verb in command.get_subcommands().filter(shown) {
        gather(verb.clone(), &format!("{name}-{}", verb.get_name()), pages);
    }
    pages.push((name.to_owned(), named(command, name)));
}

/// Pages are called like their files.
fn named(command: Command, name: &str) -> Command {
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    command.name(name)
}

fn render(command: Command) -> Outcome<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command.disable_help_subcommand(true))
        .render(&mut page)
        .map_err(|error| local(error, "the page"))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page() {
        let mut root = crate::command();
        root.build();
        let mut pages = Vec::new();
        gather(root.clone(), "lakewright", &mut pages);
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"lakewright-object-put"), "{names:?}");
        assert!(names.contains(&"lakewright"));
        for (name, command) in pages {
            let text = String::from_utf8(render(command).unwrap()).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{name}");
        }
        assert!(find(root.clone(), &["object".into(), "put".into()]).is_ok());
        assert!(find(root, &["object".into(), "fly".into()]).is_err());
    }
}
