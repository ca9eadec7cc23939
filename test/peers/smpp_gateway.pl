#!/usr/bin/perl
# A USSD gateway on Debian's Net::SMPP, which shares no line with ours. Told what to send on standard input, tells what came on standard output.
#   deliver NUMBER OPERATION SESSION TEXT   (hexadecimal: session and text)
#   enquire | drop
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use Net::SMPP;

my ($port) = @ARGV;
STDOUT->autoflush(1);
my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34) or die "cannot listen: $!";
print "listening\n";
my $select = IO::Select->new($listener, \*STDIN);
my $bind;

sub hex_of { return unpack('H*', defined $_[0] ? $_[0] : ''); }

sub command {
    my ($verb, @words) = split / /, $_[0];
    if ($verb eq 'drop') { $select->remove($bind); $bind->close; undef $bind; return; }
    if ($verb eq 'enquire') { $bind->enquire_link(async => 1); return; }
    my ($number, $operation, $session, $text) = @words;
    my $seq = $bind->deliver_sm(
        async => 1, service_type => 'USSD', source_addr_ton => 1, source_addr_npi => 1, source_addr => $number,
        dest_addr_ton => 0, dest_addr_npi => 1, destination_addr => '111',
        short_message => pack('H*', defined $text ? $text : ''),
        ussd_service_op => pack('C', $operation), its_session_info => pack('H*', $session));
    print "sent $seq\n";
}

sub pdu {
    my $pdu = $bind->read_pdu;
    if (!$pdu) { $select->remove($bind); undef $bind; print "gone\n"; return; }
    my $cmd = $pdu->{cmd};
    if ($cmd == Net::SMPP::CMD_bind_transceiver) {
        my $ok = $pdu->{system_id} eq 'sapar' && $pdu->{password} eq 'secret';
        $bind->bind_transceiver_resp(system_id => 'PERL', seq => $pdu->{seq}, status => $ok ? 0 : 0x0e);
        print $ok ? "bound $pdu->{system_type}\n" : "refused\n";
    } elsif ($cmd == Net::SMPP::CMD_enquire_link) {
        $bind->enquire_link_resp(seq => $pdu->{seq});
        print "enquired\n";
    } elsif ($cmd == Net::SMPP::CMD_submit_sm) {
        my $text = defined $pdu->{message_payload} ? $pdu->{message_payload} : $pdu->{short_message};
        print join(' ', 'screen', $pdu->{destination_addr}, unpack('C', $pdu->{ussd_service_op}),
            hex_of($pdu->{its_session_info}), $pdu->{data_coding}, hex_of($text)), "\n";
        $bind->submit_sm_resp(seq => $pdu->{seq}, message_id => "m$pdu->{seq}", status => 0);
    } elsif ($cmd == Net::SMPP::CMD_unbind) {
        $bind->unbind_resp(seq => $pdu->{seq});
        print "unbound\n";
    } else {
        printf "answer %x %d %d\n", $cmd, $pdu->{seq}, $pdu->{status};
    }
}

while (1) {
    for my $ready ($select->can_read) {
        if ($ready == $listener) {
            $bind = $listener->accept or next;
            $select->add($bind);
        } elsif ($bind && $ready == $bind) {
            pdu();
        } else {
            my $line = '';
            # One octet after the other: a buffer would hide lines from select.
            while (sysread(STDIN, my $octet, 1)) { last if $octet eq "\n"; $line .= $octet; }
            exit 0 if $line eq '';
            command($line);
        }
    }
}
