#!/usr/bin/env node
/** The command `adjoint`: parses its arguments, runs one command, and ends with a code that says how it went. */
import { type Command, CommanderError } from "commander";
import { usage } from "./arguments.js";
import { exitCodeOf, printError } from "./output.js";
import { makeProgram } from "./program.js";
import { version } from "./version.js";

/** Runs a command line. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  const program = makeProgram(await version());
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return 2;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    // help and version end by an error of code 0
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const refused = error instanceof CommanderError ? usageOf(error, commandOf(program, args)) : error;
    printError(refused, { json: args.includes("--json"), verbose: args.includes("--verbose") });
    return exitCodeOf(refused);
  }
}

/** The parser's refusal as one line, without the label that printing adds. */
function usageOf({ message }: CommanderError, command: string) {
  const text = message
    .replace(/^error: /, "")
    .replace(/\. Expected (.*) but got (\d+)\.$/, ": expected $1, received $2")
    .replace(/\s*\n\s*\(Did you mean (.*)\?\)/, " (did you mean $1?)");
  return usage(`${text}; see ${command} --help`);
}

/** `adjoint train`, or `adjoint` where the first word is no command. */
function commandOf(program: Command, [name]: readonly string[]): string {
  return program.commands.some((command) => command.name() === name) ? `adjoint ${name}` : "adjoint";
}

// a reader that closes the pipe early, such as `head`, is no failure
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  const reason = error.code === "ENOSPC" ? "the disk is full" : error.message;
  process.stderr.write(`adjoint: cannot write to standard output: ${reason}\n`);
  process.exit(1);
});

// the code is set, not forced: what is still being printed is printed
process.exitCode = await main(process.argv.slice(2));
