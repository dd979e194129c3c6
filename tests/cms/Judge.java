// Judges signed CMS messages with BouncyCastle, for tests only. Arguments: pairs of a message (DER) and its content
// ("-": the message has it). One line for each: "good CERTIFICATES SIGNATURE-OID", or "bad: why".

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

public class Judge {
    public static void main(String[] arguments) {
        Security.addProvider(new BouncyCastleProvider());
        for (int index = 0; index + 1 < arguments.length; index += 2) {
            try {
                System.out.println(judge(Path.of(arguments[index]), arguments[index + 1]));
            } catch (Exception fault) {
                System.out.println("bad: " + String.valueOf(fault.getMessage()).replace('\n', ' '));
            }
        }
    }

    private static String judge(Path path, String content) throws Exception {
        byte[] message = Files.readAllBytes(path);
        CMSSignedData signed = content.equals("-")
            ? new CMSSignedData(message)
            : new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(Path.of(content))), message);
        int certificates = signed.getCertificates().getMatches(null).size();
        if (signed.getSignerInfos().size() != 1) {
            return "bad: not one signer";
        }
        SignerInformation signer = signed.getSignerInfos().iterator().next();
        X509CertificateHolder holder =
            (X509CertificateHolder) signed.getCertificates().getMatches(signer.getSID()).iterator().next();
        if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder))) {
            return "bad: not verified";
        }
        return "good " + certificates + " " + signer.getEncryptionAlgOID();
    }
}
