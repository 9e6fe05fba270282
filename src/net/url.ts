/** URLs of the kind a downloader needs: `http://host[:port]/path?query`. RFC 3986. */

/** A URL taken apart. */
export interface HttpUrl {
  /** Name or IPv4 literal, lower case. */
  readonly host: string;
  readonly port: number;
  /** Path and query as sent; at least `/`. */
  readonly target: string;
  /** Host as in the Host field: with the port unless it is 80. */
  readonly authority: string;
}

/** Longest URL taken. */
export const LONGEST_URL = 8192;

/** Takes a URL apart. @throws RangeError that says what is wrong with it. */
export function parseUrl(text: string): HttpUrl {
  if (text.length > LONGEST_URL) throw new RangeError(`URL is longer than ${LONGEST_URL} characters`);
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(text);
  if (match === null) throw new RangeError(`not an absolute URL: ${text}`);
  const scheme = match[1]!.toLowerCase();
  if (scheme !== 'http') throw new RangeError(`only http is spoken here, not ${scheme}`);
  const authority = match[2]!;
  if (authority.includes('@')) throw new RangeError('a URL with user information is not taken');
  const parts = /^([A-Za-z0-9._-]+)(?::(\d*))?$/.exec(authority);
  if (parts === null) throw new RangeError(`not a host: ${authority || '(empty)'}`);
  const port = parts[2] ? Number(parts[2]) : 80;
  if (port < 1 || port > 65535) throw new RangeError(`not a port: ${parts[2]}`);
  const host = parts[1]!.toLowerCase();
  const rest = match[3]!;
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  // Nothing in the request line may end it early.
  if (!/^[\x21-\x7e]+$/.test(target)) throw new RangeError('a URL holds only visible ASCII characters');
  return { host, port, target, authority: port === 80 ? host : `${host}:${port}` };
}

/** Resolves a Location field against the URL it came from. @throws RangeError as {@link parseUrl}. */
export function resolveUrl(base: HttpUrl, location: string): HttpUrl {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return parseUrl(location);
  if (location.startsWith('//')) return parseUrl(`http:${location}`);
  const origin = `http://${base.authority}`;
  if (location.startsWith('/')) return parseUrl(origin + location);
  const path = base.target.replace(/\?.*$/, '');
  if (location.startsWith('?')) return parseUrl(origin + path + location);
  return parseUrl(origin + path.replace(/[^/]*$/, '') + location);
}
