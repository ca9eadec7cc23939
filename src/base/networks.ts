import { BlockList, isIP } from 'node:net';

/** Names that proxies' settings have for ranges. */
const named = new Map<string, readonly string[]>([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/** `194.187.247.152/29`, or one address; undefined where the text is neither. */
export function parseNetwork(text: string): string | undefined {
  const [, address = '', bits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text.trim()) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  // A range of everything is no range: it is written by mistake, or instead of a password.
  if (version === 0 || length > most || length === 0) return undefined;
  return `${address.toLowerCase()}/${length}`;
}

/** Whether an address is in one of these networks. Made once, asked often. */
export function matcherOf(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks.flatMap((one) => named.get(one) ?? parseNetwork(one) ?? [])) {
    const [address = '', bits = ''] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    const plain = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  };
}

/** How a socket for both protocols shows an IPv4 caller. */
const MAPPED = '::ffff:';
