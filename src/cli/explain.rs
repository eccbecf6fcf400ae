//! `explain`: what a code pair, one of its halves, a cause, or words of a phrase mean, from the catalogue.

mod answer;
mod json;
mod question;
mod text;

use std::io;

use clap::ValueEnum;

use self::question::Question;
use super::Exit;
use crate::classify::Catalogue;

/// Wider lines are tiring to read.
const MAXIMUM_WIDTH: usize = 100;

/// What a code pair, a code, a cause or a phrase means, and what to do about it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cdr-exporter explain 531004 410
  cdr-exporter explain 569002/504
  cdr-exporter explain 531000                  a Microsoft code alone
  cdr-exporter explain 569xxx                  a range of Microsoft codes
  cdr-exporter explain 488                     a SIP code alone
  cdr-exporter explain Q.850 34                a cause of Q.850
  cdr-exporter explain SBC refused: Busy Here  a cause, as metrics name it
  cdr-exporter explain no callee endpoints     words of a phrase
  cdr-exporter explain no media path           words of a finding

Exit status: 0 explained, 1 nothing is known about it, 2 the question makes no sense.")]
pub struct Arguments {
    /// Microsoft code and SIP code, either of them, a cause, or words of a phrase
    #[arg(required = true)]
    what: Vec<String>,
    /// How to print it
    #[arg(long, value_name = "OUTPUT", default_value = "text")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Prints the explanation.
pub fn run(arguments: &Arguments) -> Exit {
    let what = arguments.what.join(" ");
    let question = match Question::parse(&what) {
        Ok(question) => question,
        Err(message) => {
            super::say("explain", format_args!("{message}; --help has examples"));
            return Exit::Usage;
        }
    };
    let catalogue = Catalogue::built_in();
    let answer = answer::to(&question, &catalogue);
    let rendered = match arguments.output {
        Output::Text => text::render(&answer, width()),
        Output::Json => json::render(&what, &answer),
    };
    super::print("explain", &rendered, if answer.found { Exit::Ok } else { Exit::No })
}

fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    match terminal {
        0 => MAXIMUM_WIDTH,
        columns => columns.min(MAXIMUM_WIDTH),
    }
}

#[cfg(test)]
mod tests;
