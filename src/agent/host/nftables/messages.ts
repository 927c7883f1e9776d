import { quote } from '../../../model/names.js'

/* What operators read of tables of nftables. Tests compare with the functions. */

export const notAnAddress = (text: string) => `${quote(text)} is neither an IP address nor a network as in 10.1.0.0/16`
export const nftMissing = (reason: string) => `${reason}; install the package nftables`
export const rulesNotListed = (table: string) => `nft does not list all rules of table ${table} after it has taken them`
