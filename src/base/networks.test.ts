import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcherOf, parseNetwork } from './networks.ts';

test('networks are read as CIDR or one address, and nothing else is', () => {
  assert.equal(parseNetwork('194.187.247.152/29'), '194.187.247.152/29');
  assert.equal(parseNetwork(' 79.142.16.0/20 '), '79.142.16.0/20');
  assert.equal(parseNetwork('194.187.245.108'), '194.187.245.108/32');
  assert.equal(parseNetwork('2001:DB8::/32'), '2001:db8::/32');
  for (const wrong of [
    '',
    '10.0.0.0/33',
    '0.0.0.0/0',
    '::/0',
    '10.0.0',
    'kaspi.kz',
    '10.0.0.1/',
    '1.2.3.4/24/8',
    '::1/129',
  ])
    assert.equal(parseNetwork(wrong), undefined, wrong);
});

test('an address is in a network or not, however the socket shows it', () => {
  const isKaspi = matcherOf(['194.187.247.152/29', '194.187.245.108/32', '2001:db8::/32']);
  for (const inside of [
    '194.187.247.152',
    '194.187.247.159',
    '::ffff:194.187.247.153',
    '194.187.245.108',
    '2001:db8::5',
  ])
    assert.ok(isKaspi(inside), inside);
  for (const outside of ['194.187.247.160', '194.187.245.109', '::ffff:1.2.3.4', '2001:db9::5', '::1', '', 'nonsense'])
    assert.ok(!isKaspi(outside), outside);
  assert.ok(!matcherOf([])('127.0.0.1'), 'no network holds nobody');
});

test('a proxy may be named by the range it is in', () => {
  const isProxy = matcherOf(['loopback', '192.0.2.7']);
  assert.deepEqual(['127.0.0.1', '::1', '192.0.2.7', '192.0.2.8'].map(isProxy), [true, true, true, false]);
});
