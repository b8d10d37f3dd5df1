/** Names of tensors and members in files: keys of maps, never paths. */

/** A name in quotes, never more than 60 characters of it. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 59)}…` : name);
}

/** Would it lead out of a directory that an archive is unpacked into, on some system? Nothing that is meant well is named so. */
export function leadsOut(name: string): boolean {
  return /^([/\\]|[a-zA-Z]:[/\\])|(^|[/\\])\.\.([/\\]|$)/.test(name);
}
