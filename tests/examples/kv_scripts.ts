/**
 * Scripted sessions: every command, every option, every error. The differential test plays them against a
 * real Redis, the session test cuts them into pieces at every byte.
 *
 * @module
 */
import { command, request } from "./kv_testing.ts";

/** The requests of one session, each as the bytes to send. A script may end with a protocol error. */
export type Script = readonly string[];

/** One command per line, its words quoted where they have spaces. */
function commands(lines: string): string[] {
  return lines.split("\n").map((line) => line.trim()).filter((line) => line !== "").map(command);
}

const allBytes = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));

/** The scripts by name. */
export const scripts: Readonly<Record<string, Script>> = {
  "ping and echo": commands(`
    PING
    ping
    pInG hello
    PING ""
    PING a b
    ECHO hello
    ECHO
    ECHO a b
    ECHO ""
  `).concat(request("ECHO", allBytes), request("PING", "a\r\nb")),

  "strings": commands(`
    GET missing
    SET key value
    GET key
    set key other
    get key
    GET
    GET a b
    SET
    SET a
    SET "" empty
    GET ""
    SET key ""
    GET key
    STRLEN key
    STRLEN missing
    STRLEN
    STRLEN a b
    APPEND new abc
    APPEND new def
    GET new
    APPEND new ""
    APPEND empty ""
    EXISTS empty
    APPEND a
    MSET a 1 b 2 c 3
    MGET a b missing c a
    MGET
    MSET
    MSET a
    MSET a 1 b
    MSET a 1 b 2 c
    MGET a b c
    MSET a x a y
    GET a
  `).concat(
    request("SET", allBytes, allBytes),
    request("GET", allBytes),
    request("STRLEN", allBytes),
    request("APPEND", allBytes, allBytes),
    request("GET", allBytes),
  ),

  "strings of every size class": [63, 64, 65, 1023, 1024, 1025, 5000].flatMap((size) => [
    request("SET", "ascii", "x".repeat(size)),
    request("GET", "ascii"),
    request("SET", "binary", allBytes.repeat(20).slice(0, size)),
    request("GET", "binary"),
    request("APPEND", "binary", "tail"),
    request("APPEND", "binary", "y".repeat(size)),
    request("APPEND", "binary", "z"),
    request("GET", "binary"),
    request("STRLEN", "binary"),
    request("SET", "x".repeat(size), "long key"),
    request("GET", "x".repeat(size)),
    request("ECHO", "e".repeat(size)),
    request("INCR", "binary"),
  ]),

  "SET with options": commands(`
    SET k v NX
    SET k w NX
    GET k
    SET k w XX
    GET k
    SET n w XX
    GET n
    SET k x GET
    SET missing x GET
    SET k y NX GET
    SET fresh y NX GET
    GET fresh
    SET k y XX GET
    SET absent y XX GET
    GET absent
    SET k v EX 100
    TTL k
    SET k v PX 100000
    TTL k
    SET k w KEEPTTL
    TTL k
    SET k w
    TTL k
    SET k w KEEPTTL
    TTL k
    SET k w keepttl xx get
    SET k v EXAT 33177117420
    EXISTS k
    SET k v PXAT 33177117420000
    EXISTS k
    SET k v EXAT 1
    GET k
    SET k v PXAT 1
    EXISTS k
    SET k v ex 100 nx
    TTL k
    SET k v NX EX 100 GET
    SET k v NX XX
    SET k v XX NX
    SET k v NX NX
    SET k v XX XX
    SET k v GET GET
    SET k v KEEPTTL KEEPTTL
    SET k v EX
    SET k v PX
    SET k v EXAT
    SET k v PXAT
    SET k v EX 10 PX 10
    SET k v EX 10 EX 10
    SET k v EX 10 KEEPTTL
    SET k v KEEPTTL EX 10
    SET k v PXAT 10 EXAT 10
    SET k v EX abc
    SET k v EX 1.5
    SET k v EX ""
    SET k v EX " 1"
    SET k v EX 01
    SET k v EX +1
    SET k v EX 0
    SET k v EX -1
    SET k v PX 0
    SET k v PX -1
    SET k v EXAT 0
    SET k v EXAT -1
    SET k v PXAT 0
    SET k v EX 9223372036854775807
    SET k v EX 9223372036854775
    SET k v EX 9223372036854776
    SET k v EX 9223372036854775808
    SET k v PX 9223372036854775807
    SET k v PX 9223370000000000000
    SET k v EXAT 9223372036854775
    SET k v EXAT 9223372036854776
    SET k v PXAT 9223372036854775807
    EXISTS k
    SET k v EX NX
    SET k v BAD
    SET k v BAD GET
    SET k v GET BAD
    SET k v ""
    SET k v NX BAD EX
    SET k v EX 100 BAD
    SET k v EX bad BAD
  `),

  "counters": commands(`
    INCR n
    INCR n
    GET n
    DECR n
    INCRBY n 10
    DECRBY n 3
    DECRBY n -3
    INCRBY n -20
    GET n
    DECR fresh
    DECRBY fresher 5
    SET s abc
    INCR s
    DECR s
    INCRBY s 1
    SET s ""
    INCR s
    SET s " 1"
    INCR s
    SET s "1 "
    INCR s
    SET s 01
    INCR s
    SET s +1
    INCR s
    SET s -0
    INCR s
    SET s -
    INCR s
    SET s 1.0
    INCR s
    SET s 1e3
    INCR s
    SET s -1
    INCR s
    INCR s
    INCRBY n abc
    INCRBY n 1.0
    INCRBY n ""
    INCRBY n 9223372036854775808
    DECRBY n -9223372036854775808
    DECRBY n abc
    INCRBY n
    INCR
    INCR a b
    DECR
    DECRBY n
    INCRBY n 1 2
    SET n 9007199254740991
    INCR n
    INCR n
    GET n
    DECR n
    DECR n
    DECR n
    SET n -9007199254740991
    DECR n
    DECR n
    INCR n
    INCR n
    INCR n
    SET n 9223372036854775806
    INCR n
    INCR n
    GET n
    DECRBY n 9223372036854775807
    SET n -9223372036854775807
    DECR n
    DECR n
    GET n
    INCRBY n 9223372036854775807
    INCRBY n -9223372036854775808
    GET n
    SET n 1
    INCRBY n 9223372036854775807
    INCRBY n 9223372036854775806
    SET n 9223372036854775808
    INCR n
    SET n -9223372036854775809
    INCR n
    SET n 123456789012345678
    INCRBY n 876543210987654321
    GET n
    SET n 12345678901234567890123
    INCR n
    SET n 999999999999999
    INCR n
    SET n 9999999999999999
    INCR n
    APPEND n 7
    INCR n
    STRLEN n
    SET t 5 EX 1000
    INCR t
    TTL t
    APPEND t 1
    TTL t
  `),

  "deletion and existence": commands(`
    MSET a 1 b 2 c 3 d 4
    DEL a
    DEL a
    DEL b missing c b
    EXISTS d
    EXISTS d d missing d
    UNLINK d d
    UNLINK missing
    DEL
    UNLINK
    EXISTS
    DBSIZE
    DBSIZE x
    SET x 1
    DBSIZE
    TYPE x
    TYPE missing
    TYPE
    TYPE a b
  `),

  "expiry": commands(`
    TTL missing
    PTTL missing
    SET k v
    TTL k
    PTTL k
    EXPIRE k 100
    TTL k
    PTTL k
    EXPIRE missing 100
    PEXPIRE k 200000
    TTL k
    EXPIREAT k 33177117420
    PEXPIREAT k 33177117420000
    PEXPIRE k 1499700
    TTL k
    PERSIST k
    PERSIST k
    PERSIST missing
    TTL k
    EXPIRE k 100 XX
    EXPIRE k 100 GT
    EXPIRE k 100 LT
    TTL k
    PERSIST k
    EXPIRE k 100 NX
    EXPIRE k 200 NX
    TTL k
    EXPIRE k 300 XX
    TTL k
    EXPIRE k 400 GT
    EXPIRE k 300 GT
    TTL k
    EXPIRE k 200 LT
    EXPIRE k 300 LT
    TTL k
    EXPIRE k 300 XX GT
    EXPIRE k 100 XX GT
    EXPIRE k 100 lt xx
    EXPIRE k 500 gt gt
    EXPIRE k 500 xx xx
    EXPIRE k 500 NX NX
    EXPIRE k 100 NX XX
    EXPIRE k 100 NX GT
    EXPIRE k 100 LT NX
    EXPIRE k 100 GT LT
    EXPIRE k 100 LT GT XX
    EXPIRE k 100 FOO
    EXPIRE k 100 NX FOO
    EXPIRE k 100 ""
    EXPIRE k abc FOO
    EXPIRE k abc NX XX
    EXPIRE k abc
    EXPIRE k ""
    EXPIRE k 1.5
    EXPIRE missing abc
    EXPIRE missing 9223372036854775807
    EXPIRE k 9223372036854775807
    EXPIRE k -9223372036854775808
    EXISTS k
    EXPIRE k 9223372036854775
    PEXPIRE k 9223372036854775807
    EXPIREAT k 9223372036854775807
    EXPIREAT k 9223372036854775
    EXPIREAT k 9223372036854776
    EXPIREAT k -9223372036854776
    EXISTS k
    PEXPIREAT k 9223372036854775807
    PEXPIREAT k 9223372036854775808
    EXISTS k
    EXPIRE k -9223372036854775
    EXISTS k
    SET k v
    PEXPIRE k -9223372036854775808
    EXISTS k
    SET k v
    EXPIRE k 0
    GET k
    SET k v
    EXPIRE k -1
    GET k
    SET k v
    PEXPIRE k 0
    EXISTS k
    SET k v
    EXPIREAT k 1
    EXISTS k
    SET k v
    PEXPIREAT k -1 NX
    EXISTS k
    SET k v EX 100
    EXPIRE k -1 GT
    EXPIRE k -1 LT
    EXISTS k
    DEL k
    SET k v EX 100
    DEL k
    SET k v
    TTL k
    MSET k v l w
    EXPIRE k 100
    MSET k v
    TTL k
    EXPIRE
    EXPIRE k
    PEXPIRE k
    EXPIREAT k
    PEXPIREAT
    TTL
    TTL a b
    PTTL
    PERSIST
    PERSIST a b
  `),

  "expiry times that a number cannot hold": commands(`
    SET k v
    PEXPIREAT k 9223372036854775806
    PEXPIREAT k 9223372036854775806 GT
    PEXPIREAT k 9223372036854775806 LT
    PEXPIREAT k 9223372036854775807 LT
    PEXPIREAT k 9223372036854775807 GT
    PEXPIREAT k 9223372036854775806 LT
    PEXPIREAT k 9007199254740993
    PEXPIREAT k 9007199254740992 GT
    PEXPIREAT k 9007199254740993 GT
    PEXPIREAT k 9007199254740992 LT
    PEXPIREAT k 9007199254740993 LT
    PEXPIREAT k 9007199254740993 GT
    SET k v PXAT 9007199254740995
    PEXPIREAT k 9007199254740995 GT
    PEXPIREAT k 9007199254740996 GT
    MSET l v m v
    PEXPIREAT l 9223372036854775807
    PEXPIREAT m 9223372036854773761
    DEL l
    PEXPIREAT m 9223372036854773760 GT
    PEXPIREAT m 9223372036854773761 GT
    PEXPIREAT m 9223372036854773762 GT
    TTL m
    PERSIST m
    TTL m
  `),

  "SELECT and FLUSH": commands(`
    SET a 0
    SELECT 1
    GET a
    SET a 1
    DBSIZE
    SELECT 15
    DBSIZE
    SELECT 0
    GET a
    SELECT 16
    SELECT -1
    SELECT abc
    SELECT 1.5
    SELECT ""
    SELECT
    SELECT 1 2
    SELECT 2147483647
    SELECT 2147483648
    SELECT -2147483648
    SELECT -2147483649
    SELECT 99999999999999999999
    SELECT 1
    FLUSHDB
    DBSIZE
    SELECT 0
    DBSIZE
    FLUSHDB foo
    FLUSHDB SYNC foo
    FLUSHDB SYNC
    FLUSHDB ASYNC
    DBSIZE
    SET a 0
    SELECT 1
    SET a 1
    FLUSHALL foo
    FLUSHALL ASYNC SYNC
    FLUSHALL
    DBSIZE
    SELECT 0
    DBSIZE
    FLUSHALL async
    FLUSHALL Sync
  `),

  "KEYS and SCAN": commands(`
    MSET one 1 two 2 three 3 four 4 a[b 5 a\\b 6 h*llo 7 "" 8
    KEYS *
    KEYS o*
    KEYS ?????
    KEYS *o*
    KEYS [ot]*
    KEYS [^o]*
    KEYS [n-t]*
    KEYS [t-n]*
    KEYS h\\*llo
    KEYS h*llo
    KEYS a\\[b
    KEYS a[[]b
    KEYS a\\\\b
    KEYS ""
    KEYS nothing
    KEYS [
    KEYS [t
    KEYS [^
    KEYS \\
    KEYS **
    KEYS
    KEYS a b
    SCAN 0 COUNT 1000
    SCAN 0 COUNT 1000 MATCH *o*
    SCAN 0 COUNT 1000 TYPE string
    SCAN 0 COUNT 1000 TYPE STRING
    SCAN 0 COUNT 1000 TYPE hash
    SCAN 0 COUNT 1000 TYPE nonsense
    SCAN 0 count 1000 match t* type string
    SCAN 0 COUNT 1000 MATCH a* MATCH t*
    SCAN 0 MATCH
    SCAN 0 COUNT
    SCAN 0 TYPE
    SCAN 0 COUNT 0
    SCAN 0 COUNT -1
    SCAN 0 COUNT abc
    SCAN 0 COUNT 1000 FOO
    SCAN 0 FOO bar
    SCAN 0 FOO COUNT abc
    SCAN 0 COUNT abc FOO
    SCAN
    SCAN abc
    SCAN 1x
    SCAN " 1"
    SCAN "1 "
    SCAN 0x1
    SCAN 18446744073709551616
    SCAN abc COUNT 0
    SCAN -18446744073709551616
    SELECT 2
    SCAN 0
    SCAN +0
    SCAN ""
    SCAN -
    SCAN +
    SCAN +-1
    SCAN -0
    SCAN -1
    SCAN -5
    SCAN 18446744073709551615
    SCAN -18446744073709551615
    SCAN 000
    SCAN "0\\x00abc"
    SCAN "\\x00"
    SCAN "-\\x00"
    KEYS *
    MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11 l 12 m 13 n 14 o 15 p 16 q 17
    SCAN -1 MATCH nothing*
    SCAN 18446744073709551615 MATCH nothing* COUNT 5
    SCAN -1 COUNT 1000 MATCH nothing*
  `),

  "unknown commands": commands(`
    FOO
    foo a b
    FOO "" ""
    ""
    "" a
    get1 x
    GETT x
    G x
    SE\x54X a
    "a b" "c d"
    foo "a'b" 'c"d'
  `).concat(
    request("foo\r\nbar", "a\r\nb", "\r\n"),
    request("\r\nfoo\r\n"),
    request("f\0o", "a\0b", "c"),
    request("x".repeat(300), "y".repeat(300), "z"),
    request("foo", "y".repeat(100), "z".repeat(100), "w"),
    request("foo", "y".repeat(126), "z"),
    request("foo", "y".repeat(125), "z"),
    request("foo", "y".repeat(124), "z"),
    request("foo", ...Array.from({ length: 200 }, (_, i) => i)),
    request("foo", allBytes),
    request(allBytes),
    request("GET\0", "a"),
    request("expire", "k", "1", "a\r\nb"),
    request("expire", "k", "1", "a\0b"),
    request("expire", "k", "1", "x".repeat(400)),
  ),

  "CLIENT": commands(`
    CLIENT
    CLIENT ID
    CLIENT ID x
    CLIENT GETNAME
    CLIENT SETNAME test-client
    CLIENT GETNAME
    client getname
    CLIENT SETNAME ""
    CLIENT GETNAME
    CLIENT SETNAME "a b"
    CLIENT SETNAME "a\\nb"
    CLIENT SETNAME "caf\\xe9"
    CLIENT SETNAME
    CLIENT SETNAME a b
    CLIENT GETNAME x
    CLIENT GETREDIR
    CLIENT INFO
    CLIENT INFO x
    CLIENT LIST
    CLIENT LIST TYPE normal
    CLIENT LIST TYPE replica
    CLIENT LIST TYPE SLAVE
    CLIENT LIST TYPE pubsub
    CLIENT LIST TYPE master
    CLIENT LIST TYPE foo
    CLIENT LIST TYPE
    CLIENT LIST TYPE normal x
    CLIENT LIST ID
    CLIENT LIST ID 999999
    CLIENT LIST ID 999999 abc
    CLIENT LIST ID 0
    CLIENT LIST ID -1
    CLIENT LIST FOO
    CLIENT LIST FOO bar
    CLIENT KILL
    CLIENT KILL 1.2.3.4:5
    CLIENT KILL nobody
    CLIENT KILL ID
    CLIENT KILL ID 999999
    CLIENT KILL ID 0
    CLIENT KILL ID -1
    CLIENT KILL ID abc
    CLIENT KILL ID 99999999999999999999
    CLIENT KILL FOO bar
    CLIENT KILL ADDR 1.2.3.4:5
    CLIENT KILL LADDR 1.2.3.4:5 ADDR 1.2.3.4:5
    CLIENT KILL ADDR
    CLIENT KILL ADDR x TYPE
    CLIENT KILL TYPE normal
    CLIENT KILL TYPE NORMAL SKIPME yes
    CLIENT KILL TYPE foo
    CLIENT KILL TYPE pubsub SKIPME no
    CLIENT KILL USER default
    CLIENT KILL USER nobody
    CLIENT KILL USER default ID 999999
    CLIENT KILL SKIPME maybe
    CLIENT KILL SKIPME YES
    CLIENT NO-EVICT ON
    CLIENT NO-EVICT off
    CLIENT NO-EVICT foo
    CLIENT NO-EVICT
    CLIENT SETINFO lib-name x
    CLIENT NO-TOUCH on
    CLIENT FOO
    CLIENT ""
    CLIENT "a\\r\\nb" c
    CLIENT REPLY
    CLIENT REPLY foo
    CLIENT REPLY ON
    CLIENT REPLY ON x
    CLIENT HELP
    CLIENT HELP x
  `),

  "CLIENT REPLY": commands(`
    SET a 1
    CLIENT REPLY SKIP
    GET a
    GET a
    CLIENT REPLY OFF
    GET a
    FOO
    SET a 2
    CLIENT REPLY SKIP
    GET a
    CLIENT REPLY ON
    GET a
    CLIENT REPLY SKIP
    CLIENT REPLY SKIP
    GET a
    GET a
    CLIENT REPLY SKIP
    FOO
    GET a
    CLIENT REPLY SKIP
    CLIENT REPLY ON
    GET a
    CLIENT REPLY OFF
    RESET
    GET a
    CLIENT REPLY SKIP
    CLIENT REPLY foo
    GET a
  `),

  "CLIENT KILL of itself": [
    request("CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal") + request("PING"),
    request("PING"),
  ],

  "CONFIG": commands(`
    CONFIG
    CONFIG GET
    CONFIG GET save
    CONFIG GET appendonly
    CONFIG GET maxmemory
    CONFIG GET MAXMEMORY-policy
    CONFIG GET databases
    CONFIG GET proto-max-bulk-len
    CONFIG GET timeout
    CONFIG GET nonsense
    CONFIG GET databases save nonsense
    CONFIG GET data*
    CONFIG GET databases data*
    CONFIG GET data* DATABASES
    CONFIG GET DATABASES data*
    CONFIG GET Databases DATABASES
    CONFIG GET maxclients
    CONFIG GET notify-keyspace-events
    CONFIG GET replica-read-only
    CONFIG GET slave-read-only
    CONFIG GET *-read-only
    CONFIG GET requirepass
    CONFIG GET bind
    CONFIG GET client-query-buffer-limit
    CONFIG GET ""
    config get save
    CONFIG FOO
    CONFIG FOO bar
    CONFIG RESETSTAT
    CONFIG RESETSTAT x
    CONFIG HELP
    CONFIG HELP x
  `),

  "COMMAND and INFO": commands(`
    COMMAND
    COMMAND COUNT
    COMMAND COUNT x
    COMMAND INFO
    COMMAND INFO get nonsense config|get set
    COMMAND INFO nonsense
    COMMAND INFO config|nonsense get|get ""
    COMMAND LIST FOO
    COMMAND LIST FILTERBY
    COMMAND LIST FILTERBY PATTERN
    COMMAND LIST FILTERBY PATTERN pttl
    COMMAND LIST FILTERBY pattern PTT*
    COMMAND LIST FILTERBY PATTERN nonsense*
    COMMAND LIST FILTERBY MODULE nonsense
    COMMAND LIST FILTERBY ACLCAT nonsense
    COMMAND LIST FILTERBY FOO bar
    COMMAND LIST FILTERBY PATTERN a b
    COMMAND GETKEYS
    COMMAND GETKEYS get
    COMMAND GETKEYS get a
    COMMAND GETKEYS get a b
    COMMAND GETKEYS GET ""
    COMMAND GETKEYS mset a 1 b 2 c 3
    COMMAND GETKEYS mset a 1 b
    COMMAND GETKEYS del a b c
    COMMAND GETKEYS set a b EX 10
    COMMAND GETKEYS ping x
    COMMAND GETKEYS client list
    COMMAND GETKEYS config get save
    COMMAND GETKEYS config nonsense
    COMMAND GETKEYS nonsense a
    COMMAND DOCS nonsense
    COMMAND DOCS get
    COMMAND DOCS
    COMMAND HELP
    COMMAND FOO
    INFO
    INFO server
    INFO nonsense
    INFO server clients
    INFO ALL
    INFO everything default
  `),

  "HELLO and RESET": commands(`
    HELLO
    HELLO 2
    HELLO 3
    GET missing
    MGET missing missing
    SET k v NX GET
    SET k v XX NX
    SET missing v XX
    CONFIG GET save
    CONFIG GET nonsense
    COMMAND INFO nonsense
    COMMAND DOCS nonsense
    COMMAND INFO get
    CLIENT GETNAME
    CLIENT INFO
    CLIENT LIST ID 999999
    INFO nonsense
    SCAN 0
    KEYS *
    TTL missing
    FOO
    HELLO
    HELLO 2
    GET missing
    HELLO 3 SETNAME hey
    CLIENT GETNAME
    RESET
    GET missing
    CLIENT GETNAME
    RESET x
    SELECT 3
    RESET
    SET zero 0
    SELECT 0
    EXISTS zero
    HELLO 1
    HELLO 4
    HELLO abc
    HELLO ""
    HELLO -1
    HELLO 99999999999999999999
    HELLO 2 FOO
    HELLO 2 AUTH
    HELLO 2 AUTH default
    HELLO 2 AUTH default anything
    HELLO 2 AUTH other anything
    HELLO 2 SETNAME
    HELLO 2 SETNAME "a b"
    HELLO 2 SETNAME good AUTH default x
    CLIENT GETNAME
    HELLO 3 SETNAME better FOO
    CLIENT GETNAME
    HELLO 3 auth default x setname both
    CLIENT GETNAME
    HELLO FOO
    HELLO 4 FOO
  `),

  "inline requests": [
    "PING\r\n",
    "PING\n",
    "\r\n",
    "\n",
    "   \r\n",
    "  PING  \r\n",
    "SET a b\r\n",
    "GET a\n",
    'SET quoted "hello world"\r\n',
    "GET quoted\r\n",
    "SET \"a key\" 'single \\n quoted'\r\n",
    'GET "a key"\r\n',
    'ECHO "\\x41\\xff\\x0a\\n\\r\\t\\a\\b\\"\\\\\\q\\xzz\\x4"\r\n',
    "ECHO 'it\\'s \\\\ \\x41'\r\n",
    'ECHO foo"bar"\r\n',
    'ECHO ""\r\n',
    "ECHO ''\r\n",
    "ECHO a\tb\r\n",
    "ECHO\ta\r\n",
    "ECHO \va\f\r\n",
    "ECHO a\vb\r\n",
    "ECHO a\rb\r\n",
    "ECHO \xff\x80\r\n",
    "PING\r\r\n",
    "get\r\n",
    "foo 'a b' c\r\n",
    "$4\r\n",
    "PING\r\nPING\nECHO x\r\n",
  ],

  "requests without arguments": [
    "*0\r\n",
    "*-1\r\n",
    "*-100\r\n",
    "*-9223372036854775808\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "*0\r\n*1\r\n$4\r\nPING\r\n",
    "*1\r\n$0\r\n\r\n",
    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
  ],

  "line ends that nobody looks at": ["*1\rx$4\rxPINGxx", "*2\r\n$4\r\nECHO12$3\r\nabcde"],

  "QUIT": [request("SET", "a", "1"), request("QUIT"), request("GET", "a")],
  "QUIT with arguments": [request("quit", "now"), request("PING")],
  "a request of a browser": ["POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", request("PING")],
  "a header of a browser": [request("host:", "x"), request("PING")],
  ...Object.fromEntries([
    "*abc\r\n",
    "*1x\r\n",
    "*\r\n",
    "* 1\r\n",
    "*+1\r\n",
    "*01\r\n",
    "*-0\r\n",
    "*2147483648\r\n",
    "*99999999999999999999\r\n",
    "*-9223372036854775809\r\n",
    "*1\r\nabc\r\n",
    "*1\r\n:1\r\n",
    "*1\r\n\r\n",
    "*1\r\n\n\r\n",
    "*1\r\n\xff\r\n",
    "*1\r\n*1\r\n",
    "*1\r\n$\r\n",
    "*1\r\n$abc\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$-0\r\n",
    "*1\r\n$01\r\n",
    "*1\r\n$ 1\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$99999999999999999999\r\n",
    "*2\r\n$3\r\nGET\r\n$x\r\n",
    "*2\r\n$3\r\nGET\r\nx\r\n",
    'ECHO "abc\r\n',
    "ECHO 'abc\r\n",
    'ECHO "abc"def\r\n',
    "ECHO 'abc'def\r\n",
    'ECHO "abc\\"\r\n',
    'ECHO "abc\\\r\n',
    "ECHO 'abc\\'\r\n",
    'ECHO a"\r\n',
  ].map((error) => [
    `the protocol error ${JSON.stringify(error)}`,
    [request("PING"), error, request("PING")],
  ])),
};
